//! Tests across crates, and the benchmarks.
