//! Key files, key ids, signing and checking bytes.
