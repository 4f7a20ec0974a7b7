//! ImagePolicies as text, in; verdicts about really signed images, out.

#[path = "../policies/writing.rs"]
#[allow(dead_code, reason = "the tests of the other kind use all of it")]
mod writing;

mod asking;
mod conditions;
mod expressions;
mod fields;
mod index;
mod own;
mod reprieves;
mod require;
