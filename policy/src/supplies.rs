//! What policies refer to that lies at an address or is packed up: named here, brought by whoever can fetch and unpack.
//!
//! Until it is there, and as it is wanted, the policies that refer to it are not ready. Why it is not there is told in
//! the words of whoever tried.

use std::{collections::BTreeMap, sync::Arc};

use oci::{Digest, excerpt};

/// Something that a policy needs and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// A condition's text.
    Document(RemoteDocument),
    /// The `trusted_root.json` of a TUF repository.
    TrustedRoot(TufRepository),
}

/// A document that a policy refers to by its address and digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteDocument {
    pub(crate) url: String,
    pub(crate) sha256sum: String,
}

impl RemoteDocument {
    /// Where it is; https.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A TUF repository that a TrustRoot names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TufRepository {
    pub(crate) root: Vec<u8>,
    pub(crate) place: TufPlace,
    pub(crate) targets: String,
    pub(crate) target: String,
}

/// Where a TUF repository is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TufPlace {
    /// At this address.
    Mirror(String),
    /// In this archive: a tar, compressed by gzip.
    Archive(Vec<u8>),
}

impl TufRepository {
    /// What its metadata is checked against first: a root.json.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &TufPlace {
        &self.place
    }

    /// The folder of its targets.
    #[must_use]
    pub fn targets(&self) -> &str {
        &self.targets
    }

    /// The name of the target that is the trusted root.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl Wanted {
    /// Whether these bytes are what is wanted, as far as can be told without reading them.
    ///
    /// # Errors
    /// Fails with what was found and what was wanted, in words that follow "which".
    fn accept(&self, bytes: &[u8]) -> Result<(), String> {
        let Self::Document(document) = self else { return Ok(()) };
        let (found, wanted) = (Digest::of(bytes), &document.sha256sum);
        match found.hex().eq_ignore_ascii_case(wanted) {
            true => Ok(()),
            false => Err(format!("has the digest {}, wanted {}", found.hex(), excerpt(wanted, MAX_SHOWN))),
        }
    }
}

/// What was brought so far: of each thing its bytes, or why there are none.
#[derive(Debug, Clone, Default)]
pub struct Supplies(BTreeMap<Wanted, Result<Arc<[u8]>, String>>);

impl Supplies {
    /// Takes up what was found. Of a document with another digest than is wanted, only that is kept; and what was found
    /// once is not given up for a failure. A failure is in words that follow "which".
    pub fn insert(&mut self, wanted: Wanted, found: Result<Vec<u8>, String>) {
        let found = found.and_then(|bytes| wanted.accept(&bytes).map(|()| bytes.into()));
        if found.is_ok() || !self.has(&wanted) {
            self.0.insert(wanted, found);
        }
    }

    /// Whether this is there.
    #[must_use]
    pub fn has(&self, wanted: &Wanted) -> bool {
        matches!(self.0.get(wanted), Some(Ok(_)))
    }

    /// Forgets what nobody wants.
    pub fn keep(&mut self, wanted: impl Fn(&Wanted) -> bool) {
        self.0.retain(|one, _| wanted(one));
    }

    pub(crate) fn get(&self, wanted: &Wanted) -> Result<&[u8], &str> {
        match self.0.get(wanted) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(why)) => Err(why),
            None => Err("was not fetched"),
        }
    }
}

/// Bytes of a text from outside in a message.
const MAX_SHOWN: usize = 200;
