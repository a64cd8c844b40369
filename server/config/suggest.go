package config

// nearest returns the known directive closest to an unknown name by edit distance, or "" when none is close enough to be
// meant: a third of the letters may differ.
func nearest(name string) string {
	if len(name) > 64 {
		return ""
	}
	best, distance := "", max(2, len(name)/3)+1
	for _, known := range sortedNames {
		if d := editDistance(name, known); d < distance {
			best, distance = known, d
		}
	}
	return best
}

// editDistance is the least number of bytes to insert, delete or replace to make b of a (Levenshtein).
func editDistance(a, b string) int {
	// previous[j] is the distance of a[:i] and b[:j], for the row i before.
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			replaced := previous[j]
			if a[i] != b[j] {
				replaced++
			}
			current[j+1] = min(replaced, previous[j+1]+1, current[j]+1)
		}
		previous = current
	}
	return previous[len(b)]
}
