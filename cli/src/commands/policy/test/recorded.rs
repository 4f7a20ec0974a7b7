//! Evidence from a folder: an OCI layout with an image and what is stored beside it. It is examined again, as a
//! registry's answer would be, so that a recording cannot claim what its signatures do not show.

use std::{path::Path, sync::Arc};

use gate::GateError;
use oci::{AnyDigest, Digest, PinnedRef};
use policy::{Findings, Inquiry, Matched, Needs, PolicySet, Resource, Selection};
use registry::Kind;
use rustls_pki_types::UnixTime;
use verifier::{Evidence, examine};

use super::{answer::Answer, cases::Case, unusable};
use crate::{
    commands::local_image::Saved,
    exit::{Exit, Failure},
};

/// What the policies say of the image in a layout, at this time.
pub(super) async fn judge(
    layout: &Path,
    case: &Case,
    set: &PolicySet,
    object: Option<&Resource>,
    now: UnixTime,
) -> Result<Answer, Failure> {
    let recording = Recording::read(layout, case, now)?;
    let matched = match set.select(&case.image, Some(&recording.saved.image), object, &case.asker()) {
        Selection::Matched(matched) => matched,
        Selection::NeedsDigest => unreachable!("the digest is given"),
    };
    let findings = match recording.findings(&matched).await? {
        Ok(findings) => findings,
        Err(open) => return Ok(Answer::undecided(&open)),
    };
    Ok(match matched.decide(&findings, now) {
        Ok(verdict) => Answer::decided(&verdict),
        Err(open) => Answer::undecided(&open),
    })
}

/// An image under the name that a case gives it, with all that lies beside it.
struct Recording<'a> {
    case: &'a Case,
    folder: String,
    saved: Saved,
    now: UnixTime,
}

impl<'a> Recording<'a> {
    fn read(layout: &Path, case: &'a Case, now: UnixTime) -> Result<Self, Failure> {
        let folder = layout.display().to_string();
        let saved = Saved::open(&folder).map_err(unusable)?;
        let recording = Self { case, folder, saved, now };
        match case.image.digest().filter(|wanted| **wanted != AnyDigest::from(recording.saved.image)) {
            Some(wanted) => Err(recording.failed(&format!("is about {}, wanted {wanted}", recording.saved.image))),
            None => Ok(recording),
        }
    }

    /// What the policies ask, of the image and of its relatives; or why they cannot be told what it lists.
    async fn findings(&self, matched: &Matched<'_>) -> Result<Result<Findings, GateError>, Failure> {
        let (image, inquiries) = (self.saved.image, matched.inquiries().collect::<Vec<_>>());
        let mut findings = Findings::none();
        for inquiry in &inquiries {
            findings = findings.with(inquiry, self.evidence(inquiry, &image)?);
        }
        if matched.needs_children() && matched.needs() != Needs::Nothing {
            let absent = |digest| GateError::Index(format!("{digest}, which is not recorded"));
            let document = |digest| std::future::ready(self.saved.document(&digest).ok_or_else(|| absent(digest)));
            let children = match gate::listed(&image, document).await {
                Ok(children) => children,
                Err(open) => return Ok(Err(open)),
            };
            for child in &children {
                findings = self.beside(findings, &inquiries, &child.digest)?;
            }
            findings = findings.with_children(children);
        }
        if let Some(index) = self.saved.above().filter(|index| matched.takes_index() && self.was_picked_from(index)) {
            findings = self.beside(findings, &inquiries, &index)?.with_index(index);
        }
        Ok(Ok(findings))
    }

    /// Whether the image is asked for by a tag that names this index, and by the digest of what it lists.
    fn was_picked_from(&self, index: &Digest) -> bool {
        let asked = self.case.image.tag().is_some() && self.case.image.digest().is_some();
        asked && self.saved.document(index).is_some_and(|document| gate::lists(&document, &self.saved.image))
    }

    fn beside(&self, so_far: Findings, inquiries: &[&Inquiry], subject: &Digest) -> Result<Findings, Failure> {
        if self.saved.document(subject).is_none() {
            return Err(self.failed(&format!("lacks {subject}, which the image lists; record it again")));
        }
        inquiries
            .iter()
            .try_fold(so_far, |so_far, inquiry| Ok(so_far.with_other(inquiry, self.evidence(inquiry, subject)?)))
    }

    fn evidence(&self, inquiry: &Inquiry, subject: &Digest) -> Result<Arc<Evidence>, Failure> {
        let found = self.saved.found(subject, &[Kind::Signatures, Kind::Attestations]).map_err(unusable)?;
        let pinned = PinnedRef::new(self.case.image.repository().clone(), *subject);
        Ok(Arc::new(examine(&pinned, found, inquiry.trust(), self.now)))
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::new(Exit::Usage, format!("case `{}`: evidence in `{}` {why}", self.case.name, self.folder))
    }
}
