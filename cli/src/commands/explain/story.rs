//! What was found for an image, piece by piece, with what came of looking.

use oci::{ImageRef, PinnedRef};
use registry::{Client, Discovery, Kind, RegistryError};
use verifier::{Evidence, Found, Gap, Hearsay, Place, Source, TrustRoot, UntrustedSignature, examine};

use super::{
    super::discovery::{find, incomplete, now, stored_in},
    steps::{Judged, Step},
};
use crate::{exit::Failure, flags::expected::Expected};

/// Everything that can be told.
pub(super) struct Story {
    pub(super) image: PinnedRef,
    pub(super) sources: Vec<Looked>,
    pub(super) pieces: Vec<Piece>,
    gaps: Vec<Gap>,
    errors: Vec<RegistryError>,
}

/// A place that was looked at.
pub(super) struct Looked {
    pub(super) source: Source,
    /// How many signatures and attestations were found there.
    pub(super) found: usize,
    /// Why there may be more.
    pub(super) gap: Option<String>,
}

/// A signature or an attestation.
pub(super) struct Piece {
    pub(super) place: Place,
    /// What it says of itself.
    pub(super) says: Hearsay,
    pub(super) steps: Vec<Step>,
    pub(super) judged: Judged,
}

impl Story {
    /// Looks everywhere, and has everything examined.
    pub(super) async fn told(
        client: &Client,
        image: &ImageRef,
        trust: &TrustRoot,
        expected: Option<&Expected>,
    ) -> Result<Self, Failure> {
        let (pinned, signatures) = find(client, image, Kind::Signatures).await?;
        let attestations = client.discover(&pinned, &stored_in(image)?, Kind::Attestations).await;
        let Discovery { found, errors } = merged(signatures, attestations);
        let said: Vec<(Place, Hearsay)> =
            found.signatures.iter().map(|one| (one.place().clone(), one.describe())).collect();
        let gaps = found.gaps.clone();
        let evidence = examine(&pinned, found, trust, now());
        let of = |(place, says)| Piece::of(place, says, &evidence, trust, expected);
        let pieces: Vec<Piece> = said.into_iter().map(of).collect();
        Ok(Self { sources: looked(&pieces, &gaps), image: pinned, pieces, gaps, errors })
    }

    /// That not everything could be looked at.
    pub(super) fn gap(&self) -> Result<(), Failure> {
        match self.errors.first() {
            Some(error) => Err(incomplete("not everything could be looked at", error, &self.gaps, Vec::new())),
            None => Ok(()),
        }
    }
}

impl Piece {
    fn of(place: Place, says: Hearsay, evidence: &Evidence, trust: &TrustRoot, expected: Option<&Expected>) -> Self {
        let judged = Judged::of(&place, evidence);
        let steps = judged.steps(trust.demands(), &says, expected);
        Self { place, says, steps, judged }
    }
}

/// Everything of both, what was found twice once.
fn merged(first: Discovery, second: Discovery) -> Discovery {
    let Discovery { found: Found { mut signatures, mut gaps }, mut errors } = first;
    let known: Vec<Place> = signatures.iter().map(|one| one.place().clone()).collect();
    let new = |one: &UntrustedSignature| !known.contains(one.place());
    signatures.extend(second.found.signatures.into_iter().filter(new));
    for (gap, error) in second.found.gaps.into_iter().zip(second.errors) {
        if gaps.iter().all(|other| other.source != gap.source) {
            gaps.push(gap);
            errors.push(error);
        }
    }
    Discovery { found: Found { signatures, gaps }, errors }
}

/// The places, with what was found there. The fallback tag takes the place of the referrers' API where a registry has none.
fn looked(pieces: &[Piece], gaps: &[Gap]) -> Vec<Looked> {
    let look = |source: Source| Looked {
        source,
        found: pieces.iter().filter(|piece| piece.place.source == source).count(),
        gap: gaps.iter().find(|gap| gap.source == source).map(|gap| gap.why.clone()),
    };
    let fallback = look(Source::FallbackTag);
    let referrers = match fallback.found > 0 || fallback.gap.is_some() {
        true => fallback,
        false => look(Source::Referrers),
    };
    vec![look(Source::SignatureTag), look(Source::AttestationTag), referrers]
}
