//! The policy of a door, and the gate that it makes.

use std::{path::PathBuf, sync::Arc};

use gate::{DecisionLog, Gate};

use super::{
    registry::{self, RegistryFlags},
    repository,
};
use crate::exit::{Exit, Failure};

/// Switches of cosign's that would weaken a door: doors refuse to start with them.
const WEAKENING: [&str; 4] = [
    "COSIGN_INSECURE_IGNORE_TLOG",
    "COSIGN_INSECURE_IGNORE_SCT",
    "COSIGN_PRIVATE_INFRASTRUCTURE",
    "COSIGN_CHECK_CLAIMS",
];

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyFlags {
    /// Policy file, or folder of policy files (.yaml, .yml, .json)
    #[arg(long, value_name = "PATH", env = "SEALGATE_POLICY")]
    pub(crate) policy: PathBuf,
}

impl PolicyFlags {
    /// A gate with this policy in force.
    pub(crate) fn gate(&self, flags: &RegistryFlags, log: DecisionLog) -> Result<Gate, Failure> {
        let mut weakening = WEAKENING.into_iter().chain(registry::WEAKENING);
        if let Some(name) = weakening.find(|name| std::env::var_os(name).is_some()) {
            let message = format!("{name} is set, but what is demanded of an image is the policy's to say here");
            return Err(Failure::new(Exit::Usage, message).hint(format_args!("unset {name}")));
        }
        let policies = gate::load(&self.policy).map_err(|why| Failure::new(Exit::Undecided, why))?;
        let gate = Gate::new(flags.client()?, repository::from_environment()?, log);
        gate.put_in_force(Arc::new(policies));
        Ok(gate)
    }
}
