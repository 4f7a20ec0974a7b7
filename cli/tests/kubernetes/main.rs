//! The Kubernetes door for real: etcd, an API server, kubectl, and `sealgate webhook` as a process beside them.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod admission;
mod cluster;
mod kinds;
mod outages;
mod policies;
mod updates;
