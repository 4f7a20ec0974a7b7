//! `sealgate pull` with real Docker daemons, 20.10 and 29, beside it: `docker pull`, less what the policy refuses.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

mod contract;
mod daemons;
mod gated_host;
mod layouts;
mod platforms;
mod private;
mod pulled;
mod refused;
