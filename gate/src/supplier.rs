//! What policies refer to and do not hold, fetched: documents by their addresses, trusted roots from TUF repositories.
//!
//! That happens when policies are loaded, reloaded, and every minute while something is not there; never while somebody
//! waits for a verdict. What is not there makes the policies not ready that refer to it, with the reason.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, stream};
use policy::{PolicySet, RemoteDocument, Supplies, TufPlace, Wanted};
use registry::{Client, Lookup, RegistryError};
use tokio::time::{Instant, timeout};

use crate::trust::{Seen, trusted_root};

/// Fetches what policies refer to, and keeps it.
#[derive(Debug, Clone)]
pub struct Supplier {
    client: Client,
    supplies: Supplies,
    /// What was seen of each TUF repository.
    seen: BTreeMap<Wanted, Seen>,
    tried: Instant,
}

impl Supplier {
    /// One that has nothing yet, and asks by this client: its certificates and rules about addresses hold, no credential
    /// is sent.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, supplies: Supplies::default(), seen: BTreeMap::new(), tried: Instant::now() }
    }

    /// These policies with all that they refer to, as far as it is to be had. What is there already is not fetched again.
    pub async fn supply(&mut self, set: PolicySet) -> PolicySet {
        self.fetch(&set).await;
        set.supplied(&self.supplies)
    }

    /// What was fetched so far.
    #[must_use]
    pub fn supplies(&self) -> &Supplies {
        &self.supplies
    }

    /// Whether something is not there.
    pub(crate) fn lacks(&self, set: &PolicySet) -> bool {
        set.wanted().iter().any(|wanted| !self.supplies.has(wanted))
    }

    /// Whether it is time to try again.
    pub(crate) fn is_due(&self, set: &PolicySet) -> bool {
        self.tried.elapsed() >= AGAIN && self.lacks(set)
    }

    /// Tries to get what is not there. Whether that has changed anything.
    pub(crate) async fn fetch(&mut self, set: &PolicySet) -> bool {
        let wanted = set.wanted();
        self.supplies.keep(|one| wanted.contains(one));
        self.seen.retain(|one, _| wanted.contains(one));
        let missing = wanted.into_iter().filter(|one| !self.supplies.has(one)).collect();
        self.tried = Instant::now();
        self.take(missing).await
    }

    /// Asks the mirrors of TrustRoots again. What cannot be had leaves the last root as it is. Whether any has answered.
    pub async fn refresh(&mut self, set: &PolicySet) -> bool {
        let at_mirror = |one: &Wanted| match one {
            Wanted::TrustedRoot(repository) => matches!(repository.place(), TufPlace::Mirror(_)),
            Wanted::Document(_) => false,
        };
        let known = set.wanted().into_iter().filter(|one| at_mirror(one) && self.supplies.has(one)).collect();
        self.take(known).await
    }

    async fn take(&mut self, all: Vec<Wanted>) -> bool {
        let client = &self.client;
        let fetches = all.into_iter().map(|wanted| {
            let seen = self.seen.entry(wanted.clone()).or_default().clone();
            async move { (brought(client, &wanted, &seen).await, wanted) }
        });
        let fetches: Vec<_> = fetches.collect();
        let found: Vec<_> = stream::iter(fetches).buffer_unordered(AT_ONCE).collect().await;
        let mut changed = false;
        for (result, wanted) in found {
            match &result {
                Ok(_) => changed = true,
                Err(why) => {
                    tracing::warn!(%why, wanted = what(&wanted), "what a policy refers to is not to be had");
                }
            }
            self.supplies.insert(wanted, result);
        }
        changed
    }
}

async fn brought(client: &Client, wanted: &Wanted, seen: &Seen) -> Result<Vec<u8>, String> {
    match wanted {
        Wanted::Document(document) => fetched(client, document).await,
        Wanted::TrustedRoot(repository) => trusted_root(repository, seen, jiff::Timestamp::now()).await,
    }
}

/// The document's bytes, or why there are none, in words that follow "which".
async fn fetched(client: &Client, document: &RemoteDocument) -> Result<Vec<u8>, String> {
    let late = || format!("cannot be reached: no answer within {} s", PATIENCE.as_secs());
    let answer = timeout(PATIENCE, client.document(document.url(), MAX_DOCUMENT)).await.map_err(|_| late())?;
    match answer {
        Ok(Lookup::Found(bytes)) => Ok(bytes),
        Ok(Lookup::Absent) => Err("is not there".to_owned()),
        Err(why) => Err(words(&why)),
    }
}

fn words(why: &RegistryError) -> String {
    match why {
        RegistryError::Unreachable { cause, .. } => format!("cannot be reached: {cause}"),
        RegistryError::Refused { refusal, .. } => format!("is not asked for: {refusal}"),
        RegistryError::Denied { status, .. } | RegistryError::Failed { status, .. } => {
            format!("cannot be had: the server answered {status}")
        }
        RegistryError::Throttled { .. } => "cannot be had: the server answered 429".to_owned(),
        RegistryError::TooLarge { limit, .. } => format!("is larger than {limit} bytes"),
        other => format!("cannot be had: {other}"),
    }
}

/// What it is, in the log.
fn what(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Document(document) => oci::excerpt(document.url(), MAX_SHOWN),
        Wanted::TrustedRoot(repository) => match repository.place() {
            TufPlace::Mirror(address) => oci::excerpt(address, MAX_SHOWN),
            TufPlace::Archive(_) => "an archive in a TrustRoot".to_owned(),
        },
    }
}

const MAX_DOCUMENT: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 8;
const MAX_SHOWN: usize = 200;
