//! The Kubernetes door for real: etcd, an API server, kubectl, and `sealgate webhook` as a process beside them.

mod admission;
mod cluster;
mod kinds;
mod outages;
mod policies;
mod updates;
