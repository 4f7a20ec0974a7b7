//! What was found for an image, piece by piece, with what came of looking.

use oci::{ImageRef, PinnedRef};
use registry::{Client, Discovery, Kind, RegistryError};
use verifier::{Evidence, Gap, Hearsay, Place, Source, TrustRoot, examine};

use super::{
    super::discovery::{find, incomplete, now},
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
        let (pinned, discovery) = find(client, image, &[Kind::Signatures, Kind::Attestations]).await?;
        let Discovery { found, errors } = discovery;
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
