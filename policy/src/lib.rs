//! Is that enough for this image?
//!
//! [`PolicySet::parse`] reads ClusterImagePolicy files as policy-controller does, with every problem located;
//! [`PolicySet::select`] finds the policies about an image; [`Matched::decide`] weighs evidence against them. All of
//! it is a pure function of its arguments. Every policy that matches must be met, each by one of its authorities; a
//! policy that cannot be evaluated, and one that nothing could meet, refuses what it matches.

mod authority;
mod cluster_image_policy;
mod config_map;
mod decide;
mod expressed;
mod glob;
mod image_policy;
pub mod import;
mod input;
mod inquiry;
mod judge;
mod kms;
mod language;
mod lint;
mod load;
mod model;
mod object;
mod place;
mod problem;
mod program;
mod pull_secrets;
mod reason;
mod references;
mod rego;
mod resource;
pub mod schema;
mod set;
mod supplies;
mod trust;
mod trust_root;
mod verdict;
mod yaml;

pub use config_map::NoMatch;
pub use decide::{Matched, Needs, Subject};
pub use glob::{Glob, GlobError};
pub use image_policy::{Asker, Child, Door, Reprieve, ReprieveKind, Unknown};
pub use inquiry::{Findings, Inquiry};
pub use lint::{Finding, RULES, Rule, Severity, lint};
pub use model::{Mode, NotReady, Policy};
pub use problem::{LoadErrors, Objection, Problem, Why};
pub use pull_secrets::Login;
pub use rego::{RegoBound, RegoDenial, RegoError, RegoPolicy, RegoQuery};
pub use resource::Resource;
pub use set::{PolicySet, Selection};
pub use supplies::{RemoteDocument, Supplies, TufPlace, TufRepository, Wanted};
pub use verdict::{Approval, Denial, Met, Reason, Undecided, Verdict};
