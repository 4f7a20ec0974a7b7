//! The policy of a door, and the gate that it makes.

use std::{path::PathBuf, sync::Arc};

use ::registry::Client;
use gate::{DecisionLog, Gate};
use oci::ImageRef;

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
    /// A gate with this policy in force, for these images.
    pub(crate) fn gate_for(&self, images: &[ImageRef], flags: &RegistryFlags) -> Result<Gate, Failure> {
        self.gate(flags.client(images).map_err(usage)?, DecisionLog::Off)
    }

    /// A gate with this policy in force, for whatever images strangers name.
    pub(crate) fn gate_for_strangers(&self, flags: &RegistryFlags, log: DecisionLog) -> Result<Gate, Failure> {
        self.gate(flags.client_for_strangers().map_err(usage)?, log)
    }

    fn gate(&self, client: Client, log: DecisionLog) -> Result<Gate, Failure> {
        let mut weakening = WEAKENING.into_iter().chain(registry::WEAKENING);
        if let Some(name) = weakening.find(|name| std::env::var_os(name).is_some()) {
            let message = format!("{name} is set, but what is demanded of an image is the policy's to say here");
            return Err(Failure::new(Exit::Usage, message).hint(format_args!("unset {name}")));
        }
        let policies = gate::load(&self.policy).map_err(|why| Failure::new(Exit::Undecided, why))?;
        let gate = Gate::new(client, repository::from_environment()?, log);
        gate.put_in_force(Arc::new(policies));
        Ok(gate)
    }
}

/// At a door, 1 means that an image is denied; flags that cannot be used say nothing about images.
fn usage(failure: Failure) -> Failure {
    Failure { exit: Exit::Usage, ..failure }
}
