// Package rdb reads and writes single values in the format of Redis's RDB files, as DUMP gives them and RESTORE takes them. The
// format is described by Redis's rdb.h, listpack.md and the comments of ziplist.c.
//
// A payload is a type (1 byte), the value, the version of the format (2 bytes, little endian), and the CRC-64 of all before
// (8, little endian). What is written uses the oldest encodings that can hold a value, and says version 9, so that Redis 5 and
// all that came later can read it. What is read may be of any version up to 11, and of any encoding of strings, lists, sets,
// hashes and sorted sets, but zipmaps, which Redis 2.6 was the first to do without. Streams and modules are not read.
//
// Payloads come from outside. Whatever they say is bounded by what they are: lengths by the bytes that are left, and what is
// compressed by a budget. A collection must not be empty, nor have an element twice.
package rdb
