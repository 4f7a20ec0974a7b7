//! The real programs we must agree with: cosign, registries, Docker daemons, a Kubernetes API server, the
//! services of Sigstore, policy-controller's judge.
//!
//! `install.sh` beside this crate builds them; what is here starts them for one test, on loopback and
//! free ports, in folders of their own, and leaves nothing behind. This is test equipment: whatever goes
//! wrong while a peer is started or asked is a panic with the end of its log. What is not installed is a
//! skipped test, or a failed one where `SEALGATE_REQUIRE_PEERS=1` says that everything must be there.

mod authority;
mod client;
mod cosign;
mod docker;
mod find;
mod http;
mod image;
mod kubernetes;
mod policy_tester;
mod process;
mod registry;
mod sigstore;

pub use authority::{Authority, Identity};
pub use client::{Client, Outcome, run};
pub use cosign::{Cosign, Format, KeyPair};
pub use docker::{Docker, Engine};
pub use find::{OLD_DOCKERD, ROOT, corpus, find, present};
pub use image::{push_image, push_image_from};
pub use kubernetes::Kubernetes;
pub use policy_tester::{PolicyTester, Question, Ruling};
pub use process::{NotReady, Process, command};
pub use registry::{RefsOptions, Registry};
pub use sigstore::{Log, Part, Recipe, Sigstore, Subject, trust_root};

/// Returns from the test that calls it unless all the named peers are there.
///
/// The names are those of `install.sh`, programs of the system, [`OLD_DOCKERD`] and [`ROOT`]. Prints
/// what is missing; panics instead where `SEALGATE_REQUIRE_PEERS=1`.
#[macro_export]
macro_rules! require {
    ($($name:expr),+ $(,)?) => {
        if !$crate::present(&[$($name),+]) {
            return;
        }
    };
}
