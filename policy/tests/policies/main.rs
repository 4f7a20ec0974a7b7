//! Policies as text, in; verdicts about really signed images, out.

mod authorities;
mod conditions;
mod fields;
mod pull_secrets;
mod references;
mod semantics;
mod supplies;
mod validation;
mod writing;
