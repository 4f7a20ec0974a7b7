//! Evidence from a folder: an OCI layout with an image and what is stored beside it. It is examined again, as a
//! registry's answer would be, so that a recording cannot claim what its signatures do not show.

use std::{path::Path, sync::Arc};

use oci::{AnyDigest, PinnedRef};
use policy::{Findings, Matched, PolicySet, Resource, Selection};
use registry::Kind;
use rustls_pki_types::UnixTime;
use verifier::{Found, examine};

use super::{answer::Answer, cases::Case, unusable};
use crate::{
    commands::local_image,
    exit::{Exit, Failure},
};

/// What the policies say of the image in a layout, at this time.
pub(super) fn judge(
    layout: &Path,
    case: &Case,
    set: &PolicySet,
    object: Option<&Resource>,
    now: UnixTime,
) -> Result<Answer, Failure> {
    let (pinned, found) = read(layout, case)?;
    Ok(match set.select(&case.image, Some(pinned.digest()), object, &case.asker()) {
        Selection::Matched(matched) => decide(&matched, &pinned, &found, now),
        Selection::NeedsDigest => unreachable!("the digest is given"),
    })
}

fn decide(matched: &Matched<'_>, image: &PinnedRef, found: &Found, now: UnixTime) -> Answer {
    let findings = matched.inquiries().fold(Findings::none(), |so_far, inquiry| {
        so_far.with(inquiry, Arc::new(examine(image, found.clone(), inquiry.trust(), now)))
    });
    match matched.decide(&findings, now) {
        Ok(verdict) => Answer::decided(&verdict),
        Err(open) => Answer::undecided(&open),
    }
}

/// The image under the name that the case gives it, with all that lies beside it.
fn read(layout: &Path, case: &Case) -> Result<(PinnedRef, Found), Failure> {
    let folder = layout.display().to_string();
    let (image, discovery) = local_image::find(&folder, &[Kind::Signatures, Kind::Attestations]).map_err(unusable)?;
    let digest = *image.digest();
    if let Some(wanted) = case.image.digest().filter(|wanted| **wanted != AnyDigest::from(digest)) {
        let message = format!("case `{}`: evidence in `{folder}` is about {digest}, wanted {wanted}", case.name);
        return Err(Failure::new(Exit::Usage, message));
    }
    Ok((PinnedRef::new(case.image.repository().clone(), digest), discovery.found))
}
