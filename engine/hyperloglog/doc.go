// Package hyperloglog counts distinct elements in about 12 KB, as Flajolet, Fusy, Gandouet and Meunier describe in
// HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm (2007), with the estimator of Ertl's New
// cardinality estimation algorithms for HyperLogLog sketches (2017).
//
// A sketch is 16,384 registers. An element belongs to one of them, by its hash, and has a rank, how rare its hash is; a
// register holds the greatest rank of its elements. So sketches of two sets come together to that of their union by taking
// the greater of each two registers, in any order and any number of times.
//
// Hash, registers and estimator are those of Redis, and so is the text of a sketch: it can be read by either and counts the
// same. A text is a header of 16 bytes and the registers in one of two encodings:
//
//	"HYLL" encoding (1) zeros (3) count (8, little endian)
//	dense, 0:  6 bits a register, from the lowest bit of the first byte on
//	sparse, 1: runs of equal registers
//	           00nnnnnn           n+1 registers of 0
//	           01nnnnnn nnnnnnnn  n+1 registers of 0
//	           1vvvvvnn           n+1 registers of v+1
//
// The count of the header is one that was computed earlier. This package marks it as outdated and never looks at it. Equal
// registers may have other runs here than in Redis, which leaves runs as they came about.
package hyperloglog
