//! The policy of a door, and the gate that it makes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ::registry::Client;
use gate::{DecisionLog, Gate, PolicyFolder, Supplier};
use oci::ImageRef;
use policy::PolicySet;
use verifier::TrustRoot;

use super::{
    registry::{self, RegistryFlags},
    repository, trust,
};
use crate::{
    exit::{Exit, Failure},
    trust_source,
};

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
    /// Whose certificates, logs and clocks count where a policy names none: a trusted_root.json; otherwise TUF's
    #[arg(long, value_name = "FILE", env = "SEALGATE_TRUSTED_ROOT")]
    pub(crate) trusted_root: Option<PathBuf>,
}

impl PolicyFlags {
    /// A gate with this policy in force, for these images.
    pub(crate) async fn gate_for(&self, images: &[ImageRef], flags: &RegistryFlags) -> Result<Gate, Failure> {
        let client = flags.client(images).map_err(usage)?;
        let (gate, ..) = self.gate(client, DecisionLog::Off).await?;
        Ok(gate)
    }

    /// A gate with this policy in force, for whatever images strangers name; and what follows the files from now on,
    /// with the last good revision outliving bad ones for this long.
    pub(crate) async fn gate_for_strangers(
        &self,
        flags: &RegistryFlags,
        log: DecisionLog,
        grace: Duration,
    ) -> Result<(Gate, PolicyFolder), Failure> {
        let (gate, root, supplier) = self.gate(flags.client_for_strangers().map_err(usage)?, log).await?;
        let folder = PolicyFolder::new(self.policy.clone(), grace).supplied_by(supplier);
        let folder = match (root, &self.trusted_root, trust_source::by_files()) {
            (Some(root), None, false) => folder.with_root(root).refreshed_by(trust_source::tuf(None, None)?),
            (Some(root), _, _) => folder.with_root(root),
            (None, ..) => folder,
        };
        Ok((gate, folder))
    }

    async fn gate(&self, client: Client, log: DecisionLog) -> Result<(Gate, Option<TrustRoot>, Supplier), Failure> {
        let mut weakening = WEAKENING.into_iter().chain(registry::WEAKENING);
        if let Some(name) = weakening.find(|name| std::env::var_os(name).is_some()) {
            let message = format!("{name} is set, but what is demanded of an image is the policy's to say here");
            return Err(Failure::new(Exit::Usage, message).hint(format_args!("unset {name}")));
        }
        let policies = gate::load(&self.policy).map_err(|why| Failure::new(Exit::Undecided, why))?;
        let mut supplier = Supplier::new(client.clone());
        let policies = supplier.supply(policies).await;
        let gate = Gate::new(client, repository::from_environment()?, log);
        let root = self.default_root(&policies).await.map_err(undecided)?;
        let policies = match &root {
            Some(root) => policies.with_default_root(root),
            None => policies,
        };
        gate.put_in_force(Arc::new(policies));
        Ok((gate, root, supplier))
    }

    /// The root for policies that name none; not even looked for where each names its own.
    async fn default_root(&self, policies: &PolicySet) -> Result<Option<TrustRoot>, Failure> {
        match &self.trusted_root {
            Some(path) => trust::read(path).map(Some),
            None if policies.needs_default_root() => trust_source::trusted_root().await.map(Some),
            None => Ok(None),
        }
    }
}

/// Without trust there is no decision.
fn undecided(failure: Failure) -> Failure {
    Failure { exit: Exit::Undecided, ..failure }
}

/// At a door, 1 means that an image is denied; flags that cannot be used say nothing about images.
fn usage(failure: Failure) -> Failure {
    Failure { exit: Exit::Usage, ..failure }
}
