//! Resolve, fetch, examine, decide: the one pipeline.
