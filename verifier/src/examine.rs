//! The examination: each signature by itself, in fixed steps, the signature before what it says.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::{PinnedRef, excerpt, location, media_type, simple_signing, simple_signing::Payload};
use rustls_pki_types::UnixTime;

use crate::{
    Claim, Evidence, Fault, Format, Found, Refused, SIGN_PREDICATE, Signer, Statement, TrustRoot, Unexamined,
    UntrustedSignature, VerifiedSignature, bundle::Bundle, untrusted::Body,
};

/// Examines every signature found for `image` and says of each whether it counts, and if not, why.
///
/// One bad signature never hides a good one. Gaps are passed on: what they hide stays unknown.
#[must_use]
pub fn examine(image: &PinnedRef, found: Found, trust: &TrustRoot, now: UnixTime) -> Evidence {
    let (mut verified, mut refused) = (Vec::new(), Vec::new());
    for UntrustedSignature { place, body } in found.signatures {
        match judge(image, body, trust) {
            Ok((signer, format, claim, unexamined)) => {
                verified.push(VerifiedSignature { signer, format, claim, place, unexamined });
            }
            Err(fault) => refused.push(Refused { place, fault }),
        }
    }
    refused.sort_by_key(|refused| refused.fault.rank());
    Evidence { image: image.clone(), verified, refused, gaps: found.gaps, examined_at: now }
}

fn judge(image: &PinnedRef, found: Body, trust: &TrustRoot) -> Result<Judged, Fault> {
    match found {
        Body::Layer { payload, annotations } => layer(image, &payload, &annotations, trust),
        Body::Bundle(bytes) => bundle(image, bytes, trust),
        Body::Unreadable(why) => Err(Fault::Unreadable { why }),
    }
}

type Judged = (Signer, Format, Claim, Vec<Unexamined>);

/// cosign's signature specification, "Verification": signature over the payload's bytes, then the payload.
fn layer(
    image: &PinnedRef,
    payload: &[u8],
    annotations: &BTreeMap<String, String>,
    trust: &TrustRoot,
) -> Result<Judged, Fault> {
    // 1. the signature over the payload, by a trusted key
    let text = annotations.get(location::SIGNATURE_ANNOTATION).filter(|t| !t.is_empty()).ok_or(Fault::NoSignature)?;
    let signature = BASE64_STANDARD.decode(text).map_err(|_| Fault::Encoding)?;
    let certified = annotations.get(location::CERTIFICATE_ANNOTATION).is_some_and(|text| !text.is_empty());
    let key = trust.signer(payload, &signature).ok_or_else(|| unknown_signer(trust, certified))?;
    // 2. the payload is an image signature
    let payload = Payload::parse(payload)?;
    // 3. over this image
    if payload.digest != *image.digest() {
        return Err(Fault::WrongDigest { named: payload.digest, image: *image.digest() });
    }
    let claim = Claim {
        docker_reference: Some(payload.docker_reference),
        annotations: payload.optional,
        kind: simple_signing::IMAGE_SIGNATURE,
    };
    let has = |name| annotations.contains_key(name);
    let carried = [
        (certified, Unexamined::Certificate),
        (has(location::BUNDLE_ANNOTATION), Unexamined::LogEntry),
        (has(location::TIMESTAMP_ANNOTATION), Unexamined::Timestamp),
    ];
    Ok((Signer::Key(key), Format::Legacy, claim, present(carried)))
}

/// The Sigstore client specification, "Verification", for keys: envelope signature, then the statement.
fn bundle(image: &PinnedRef, bytes: Vec<u8>, trust: &TrustRoot) -> Result<Judged, Fault> {
    let bundle = Bundle::parse(bytes)?;
    if bundle.has_certificate {
        return Err(Fault::NotExamined);
    }
    // 1. the signature over the envelope, by a trusted key
    let envelope = &bundle.envelope;
    let key = trust.signer(&envelope.pae(), &envelope.signature).ok_or_else(|| unknown_signer(trust, false))?;
    // 2. the payload is a statement, and the statement a signature
    if envelope.payload_type != media_type::IN_TOTO {
        return Err(crate::StatementError::Type.into());
    }
    let statement = Statement::parse(&envelope.payload)?;
    if statement.predicate_type != SIGN_PREDICATE {
        return Err(Fault::Attestation { predicate_type: excerpt(&statement.predicate_type, 200) });
    }
    // 3. over this image
    let about = |(digest, _): &&(oci::Digest, _)| digest == image.digest();
    let Some((_, annotations)) = statement.subjects.iter().find(about) else {
        return Err(other_subject(image, &statement));
    };
    let claim = Claim { docker_reference: None, annotations: annotations.clone(), kind: SIGN_PREDICATE };
    let carried = [(bundle.log_entries > 0, Unexamined::LogEntry), (bundle.timestamps > 0, Unexamined::Timestamp)];
    Ok((Signer::Key(key), Format::Bundle, claim, present(carried)))
}

fn unknown_signer(trust: &TrustRoot, certified: bool) -> Fault {
    match certified {
        true => Fault::NotExamined,
        false => Fault::NoTrustedKey { trusted: trust.keys().len() },
    }
}

fn other_subject(image: &PinnedRef, statement: &Statement) -> Fault {
    let named: Vec<String> = statement.subjects.iter().take(3).map(|(digest, _)| digest.to_string()).collect();
    let named = if named.is_empty() { "nothing with a sha256 digest".to_owned() } else { named.join(", ") };
    Fault::OtherSubject { named, image: *image.digest() }
}

fn present<const N: usize>(carried: [(bool, Unexamined); N]) -> Vec<Unexamined> {
    carried.into_iter().filter_map(|(is, what)| is.then_some(what)).collect()
}
