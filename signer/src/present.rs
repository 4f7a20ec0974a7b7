//! What a signer has stored before: a signing that is repeated, after a crash say, adds nothing that is there.
//!
//! Only what can be seen to be good counts. Where nothing is trusted that shows it, everything is made again.

use std::collections::BTreeMap;

use keys::KeyId;
use oci::{Repository, location::Attachment, simple_signing};
use registry::{Client, Kind};
use verifier::{Claim, Evidence, Format, Place, Proofs, SIGN_PREDICATE, Signer, TrustRoot, examine};

use crate::{Check, Credential, Services, Target, clock};

/// The signatures and attestations that one signer has stored.
#[derive(Default)]
pub(crate) struct Present {
    signatures: Vec<(Format, Claim, Place)>,
    attestations: Vec<(Format, Vec<u8>, Place)>,
}

impl Present {
    /// What they are judged by: what the caller trusts, or else the signer's own key, unless more is needed than that.
    pub(crate) fn trust(by: &Credential, services: &Services, check: Option<&Check>) -> Option<TrustRoot> {
        match check {
            Some(check) => Some(check.trust(by, services)),
            None if by.certificate().is_some() || services.has_log() || services.has_timestamps() => None,
            None => Some(TrustRoot::new(vec![by.public().clone()])),
        }
    }

    /// Looks for them, those without an entry in each log that is asked now aside. What cannot be found is not there,
    /// for this purpose.
    pub(crate) async fn find(
        client: &Client,
        target: &Target,
        stored_in: &Repository,
        by: &Credential,
        services: &Services,
        what: Attachment,
        trust: &TrustRoot,
    ) -> Self {
        let kind = if what == Attachment::Attestation { Kind::Attestations } else { Kind::Signatures };
        let found = client.discover(&target.image, stored_in, kind).await.found;
        Self::by(by, &wanted(services, trust), &examine(&target.image, found, trust, clock::now()))
    }

    fn by(by: &Credential, wanted: &[Vec<KeyId>], evidence: &Evidence) -> Self {
        let own = |signer: &Signer| match signer {
            Signer::Key(id) => by.certificate().is_none() && *id == by.public().id(),
            Signer::Identity(identity) => by.known_as().is_some_and(|known| known.matches(identity)),
        };
        let logged = |format, proofs| is_logged(format, proofs, wanted);
        let signatures =
            evidence.verified().iter().filter(|one| own(one.signer()) && logged(one.format(), one.proofs()));
        let attestations =
            evidence.attestations().iter().filter(|one| own(one.signer()) && logged(one.format(), one.proofs()));
        Self {
            signatures: signatures.map(|one| (one.format(), one.claim().clone(), one.place().clone())).collect(),
            attestations: attestations
                .map(|one| (one.format(), one.statement().to_vec(), one.place().clone()))
                .collect(),
        }
    }

    /// Where a signature in this format, with these annotations and no others, is.
    pub(crate) fn signature(
        &self,
        format: Format,
        target: &Target,
        wanted: &BTreeMap<String, String>,
    ) -> Option<&Place> {
        let name = target.image.repository().index_name();
        let is_wanted = |(found, claim, _): &&(Format, Claim, Place)| {
            let named = match found {
                Format::Legacy => {
                    claim.kind == simple_signing::IMAGE_SIGNATURE && claim.docker_reference.as_ref() == Some(&name)
                }
                Format::Bundle => claim.kind == SIGN_PREDICATE,
            };
            let annotations = &claim.annotations;
            let same = annotations.len() == wanted.len()
                && wanted.iter().all(|(key, text)| annotations.get(key).and_then(|v| v.as_str()) == Some(text));
            *found == format && named && same
        };
        self.signatures.iter().find(is_wanted).map(|(.., place)| place)
    }

    /// Where this very statement is in this format.
    pub(crate) fn attestation(&self, format: Format, statement: &[u8]) -> Option<&Place> {
        let mut all = self.attestations.iter();
        all.find(|(found, stored, _)| *found == format && stored == statement).map(|(.., place)| place)
    }
}

/// For each log that is asked now, the keys of trusted logs that it may be: those at its address; any, where none is
/// known by that address, as behind a proxy.
fn wanted(services: &Services, trust: &TrustRoot) -> Vec<Vec<KeyId>> {
    let keys = |place: Option<&str>| -> Vec<KeyId> {
        let at = |name: &str| place.is_none_or(|place| name.eq_ignore_ascii_case(place));
        trust.logs().iter().filter(|log| at(log.name())).map(|log| log.key().id()).collect()
    };
    let of = |place: &String| match keys(Some(place)) {
        known if known.is_empty() => keys(None),
        known => known,
    };
    services.log_places().iter().map(of).collect()
}

/// Whether each of these logs has an entry; a layer carries that of the first alone.
fn is_logged(format: Format, proofs: &Proofs, wanted: &[Vec<KeyId>]) -> bool {
    let carried = if format == Format::Legacy { 1 } else { usize::MAX };
    let has = |log: &Vec<KeyId>| proofs.log_entries().iter().any(|entry| log.contains(&entry.key));
    wanted.iter().take(carried).all(has)
}
