//! `verify-blob` and `verify-blob-attestation`: files signed by other people's programs, and what belongs to a
//! signature in files of its own.

mod conformance;
mod cosign;
mod detached;
mod keyless;
mod parts;
mod private;
