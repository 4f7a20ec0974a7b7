//! Builds and starts the real programs we must agree with.
