//! How a registry is told who asks: challenges, token services, and whom they may belong to.

mod challenge;
mod realm;
mod session;
mod token;

pub(crate) use challenge::Challenge;
pub(crate) use session::{Auth, Scope};
