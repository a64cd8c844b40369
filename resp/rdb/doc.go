// Package rdb reads and writes single values in the format of Redis's RDB files, as DUMP gives them and RESTORE takes them. The
// format is described by Redis's rdb.h, listpack.md and the comments of ziplist.c.
//
// A payload is a type (1 byte), the value, the version of the format (2 bytes, little endian), and the CRC-64 of all before
// (8, little endian). What is written uses the oldest encodings that can hold a value, and says the version of those: 9, so that Redis 5
// and all that came later can read it; 10, of Redis 7.0, for streams; 12, of Redis 7.4, for hashes with deadlines of fields. What is read
// may be of any version up to 12, and of any encoding but zipmaps, which Redis 2.6 was the first to do without, and those of release
// candidates. Modules are not read.
//
// Payloads come from outside. Whatever they say is bounded by what they are: lengths by the bytes that are left, and what is
// compressed, or shared by entries of a stream, by a budget. A collection other than a stream must not be empty, none may have an element
// twice, and the parts of a stream must agree with each other.
package rdb
