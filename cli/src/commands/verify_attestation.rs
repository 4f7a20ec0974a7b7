//! `sealgate verify-attestation`: cosign's command, with every attestation examined and every refusal explained.
//!
//! What an attestation says is printed for whoever asked, and not judged: that it is there is not yet good news.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::ValueEnum;
use oci::{PinnedRef, excerpt};
use registry::{Discovery, Kind, RegistryError};
use serde_json::json;
use signer::PredicateType;
use verifier::{Evidence, TrustRoot, VerifiedAttestation, examine};

use super::{
    discovery::{Images, incomplete, now},
    vouched,
};
use crate::{
    exit::{Exit, Failure},
    flags::{
        against::AgainstFlags, boolean, expected::Expected, predicate, registry::RegistryFlags, scripts::ScriptFlags,
    },
    output,
};

/// Checks that an image has an attestation by a key or an identity, and prints it: exit 0 verified, 10 none, 11 no such image, 12 none counts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// What kind of attestation: custom, slsaprovenance, slsaprovenance02, slsaprovenance1, link, spdx, spdxjson,
    /// cyclonedx, vuln, openvex, or an address
    #[arg(long = "type", value_name = "TYPE", default_value = "custom", value_parser = predicate::parse, env = "COSIGN_TYPE")]
    kind: PredicateType,
    /// Understood for the sake of scripts: the image's digest is always compared
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "true", env = "COSIGN_CHECK_CLAIMS")]
    check_claims: bool,
    /// The images are folders that `cosign save` has written
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, default_value = "false", env = "COSIGN_LOCAL_IMAGE")]
    local_image: bool,
    /// Understood for the sake of scripts: each line printed is the JSON of one envelope
    #[arg(short, long, value_enum, default_value = "json", env = "COSIGN_OUTPUT")]
    output: Output,
    #[command(flatten)]
    against: AgainstFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    scripts: ScriptFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
    Text,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let (expected, trust) = args.against.read().await?;
    if !args.check_claims {
        output::warn("the image's digest is compared all the same");
    }
    let images = Images::typed(&args.images, args.local_image, &args.registry)?;
    for (at, typed) in args.images.iter().enumerate() {
        let (pinned, discovery) = images.find(at, Kind::Attestations).await?;
        verify(&args, &expected, &trust, typed, (&pinned, discovery))?;
    }
    Ok(())
}

fn verify(
    args: &Args,
    expected: &Expected,
    trust: &TrustRoot,
    typed: &str,
    (pinned, Discovery { found, errors }): (&PinnedRef, Discovery),
) -> Result<(), Failure> {
    let evidence = examine(pinned, found, trust, now());
    let findings = Findings::part(&evidence, expected, &args.kind);
    if findings.good.is_empty() {
        return Err(findings.refusal(args, &errors));
    }
    findings.success(typed);
    findings.good.iter().for_each(|one| output::line(envelope(one)));
    Ok(())
}

/// What was found, parted by whether it counts.
struct Findings<'a> {
    evidence: &'a Evidence,
    /// Genuine, from whom it should be, and of the kind that was asked for.
    good: Vec<&'a VerifiedAttestation>,
    /// Genuine and from whom it should be, but of another kind.
    other_kind: Vec<&'a VerifiedAttestation>,
    /// Genuine, and from somebody else: why.
    other_signer: Vec<String>,
}

impl<'a> Findings<'a> {
    fn part(evidence: &'a Evidence, expected: &Expected, kind: &PredicateType) -> Self {
        let mut findings = Self { evidence, good: Vec::new(), other_kind: Vec::new(), other_signer: Vec::new() };
        for one in evidence.attestations() {
            match (expected.accepts(one.signer()), one.predicate_type() == kind.uri()) {
                (true, true) => findings.good.push(one),
                (true, false) => findings.other_kind.push(one),
                (false, _) => {
                    findings.other_signer.push(format!("{}: {}", one.place(), expected.difference(one.signer())));
                }
            }
        }
        findings
    }

    fn success(&self, typed: &str) {
        let good: Vec<_> = self.good.iter().map(|one| (one.signer(), one.proofs())).collect();
        vouched::summary(typed, false, &good).into_iter().for_each(output::note);
        for one in &self.good {
            vouched::lines(one.signer(), one.proofs()).into_iter().for_each(output::note);
            for carried in one.proofs().unexamined() {
                output::note(format_args!("not examined: {carried} of {}", one.place()));
            }
        }
        let others = self.others();
        if !others.is_empty() {
            output::note(format_args!("{} further found, not counted:", others.len()));
        }
        others.iter().for_each(|why| output::note(format_args!("  - {why}")));
        self.evidence.gaps().iter().for_each(|gap| output::warn(format_args!("could not look at {gap}")));
    }

    /// Why there is none that counts: not all could be looked at, there is none, or each is none of those wanted.
    fn refusal(&self, args: &Args, errors: &[RegistryError]) -> Failure {
        let (image, details) = (self.evidence.image(), self.others());
        if let Some(error) = errors.first() {
            return incomplete("attestations cannot be looked at", error, self.evidence.gaps(), details);
        }
        if !self.other_kind.is_empty() {
            let found: Vec<_> = self.other_kind.iter().map(|one| excerpt(one.predicate_type(), 200)).collect();
            let wanted = args.kind.uri();
            let message =
                format!("none of the attestations matched the predicate type: {wanted}, found: {}", found.join(","));
            return Failure::new(Exit::NoMatch, message).details(details);
        }
        let count = self.other_signer.len() + self.evidence.refused().len();
        if count == 0 {
            return Failure::new(Exit::NoSignature, format_args!("no attestations found for {image}")).details(details);
        }
        let noun = if count == 1 { "attestation" } else { "attestations" };
        let message = format!("no matching attestations: {count} {noun} found for {image}");
        let failure = Failure::new(Exit::NoMatch, message).details(details);
        args.scripts.with_hint(failure, self.evidence.refused().iter().map(|refused| &refused.fault))
    }

    /// What was found beside those that count, with why it does not count.
    fn others(&self) -> Vec<String> {
        let signatures = self.evidence.verified().iter();
        let signatures = signatures
            .map(|one| format!("{}: signature by {}, which is not an attestation", one.place(), one.signer()));
        let kinds = self.other_kind.iter().map(ToString::to_string);
        let refused = self.evidence.refused().iter().map(ToString::to_string);
        kinds.chain(self.other_signer.iter().cloned()).chain(signatures).chain(refused).collect()
    }
}

/// The envelope as cosign prints it.
fn envelope(attestation: &VerifiedAttestation) -> String {
    let envelope = attestation.envelope();
    let [payload, signature] = [&envelope.payload, &envelope.signature].map(|bytes| BASE64_STANDARD.encode(bytes));
    let signatures = json!([{ "keyid": "", "sig": signature }]);
    json!({ "payloadType": envelope.payload_type, "payload": payload, "signatures": signatures }).to_string()
}
