package kind

import "errors"

// Why a number was not changed. Nothing was.
var (
	// ErrNotInteger says that the value shown is not a 64-bit integer as Redis writes it.
	ErrNotInteger = errors.New("value is not an integer or out of range")
	// ErrNotFloat says that the value shown is not a number.
	ErrNotFloat = errors.New("value is not a valid float")
	// ErrOverflow says that the sum would not fit 64 bits.
	ErrOverflow = errors.New("increment or decrement would overflow")
	// ErrNotFinite says that the sum would not be a number.
	ErrNotFinite = errors.New("increment would produce NaN or Infinity")
)
