//! What came out for one image, and what each door makes of it.
//!
//! The mutating door writes the judged digest into the object; the validating door, which sees the object last,
//! refuses what was judged by a signature and would still be pulled by a tag.

use oci::{ImageRef, PinnedRef};
use policy::Reprieve;
use workload::ImageUse;

use crate::words;

/// Which of the two webhooks was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hook {
    Mutate,
    Validate,
}

impl Hook {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// One use of an image, and what came out for it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) used: ImageUse,
    pub(crate) outcome: Outcome,
}

/// What came out for one image.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Allowed(Box<Allowed>),
    /// Refused, with what the policies said, most telling first. An empty list is no less a refusal.
    Denied(Vec<Ground>),
    /// Nobody could say; refused too. Why, and perhaps what to do about it, a line each.
    Undecided(Vec<String>),
}

/// An image that its policies allow.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    /// The reference that was judged, parsed from the very text in the object.
    pub(crate) image: ImageRef,
    /// The digest that was judged; none where the registry did not answer and no policy insisted.
    pub(crate) pinned: Option<PinnedRef>,
    /// Whether another image might be refused, so that none under the same tag may take its place.
    pub(crate) must_be_pinned: bool,
    /// What the user should hear although the image is allowed, each naming it.
    pub(crate) warnings: Vec<String>,
    pub(crate) remarks: Remarks,
}

/// What the audit log should know of an allowed image that no signature let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// The exceptions and broken glasses that it took.
    pub(crate) reprieves: Vec<Reprieve>,
    /// What policies in `audit` mode would have refused it for.
    pub(crate) audited: Vec<String>,
}

/// One reason to refuse: a headline that may cover several images, and lines that explain it for this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ground {
    pub(crate) headline: String,
    pub(crate) details: Vec<String>,
}

/// An image that a door lets in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// What must stand in the object instead of the text that stands there.
    pub(crate) replacement: Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl Finding {
    /// What this door makes of it: let in, or the reasons why not.
    pub(crate) fn at(&self, hook: Hook) -> Result<Admitted, Vec<Ground>> {
        match &self.outcome {
            Outcome::Denied(grounds) if grounds.is_empty() => Err(vec![self.ground("refused without a reason", &[])]),
            Outcome::Denied(grounds) => Err(grounds.clone()),
            Outcome::Undecided(why) => Err(vec![self.ground("could not decide about", why)]),
            Outcome::Allowed(allowed) => self.admit(hook, allowed),
        }
    }

    fn admit(&self, hook: Hook, allowed: &Allowed) -> Result<Admitted, Vec<Ground>> {
        if let Some(pinned) = &allowed.pinned {
            self.check_same(&allowed.image, pinned)?;
        }
        let mut warnings = allowed.warnings.clone();
        let replacement = match (hook, &allowed.pinned) {
            (Hook::Mutate, Some(pinned)) => Some(allowed.image.pinned_text(&(*pinned.digest()).into())),
            _ => None,
        };
        let stays_unpinned = replacement.is_none() && allowed.image.digest().is_none();
        if stays_unpinned && allowed.must_be_pinned {
            return Err(vec![self.unpinned()]);
        }
        if stays_unpinned {
            let image = words::cut(&self.used.image, 100);
            warnings.push(format!("{image}: admitted without a digest: what runs may not be what was judged"));
        }
        Ok(Admitted { replacement: replacement.filter(|text| *text != self.used.image), warnings })
    }

    /// The judged image is the one asked for; anything else would be a fault of ours, and is refused.
    fn check_same(&self, image: &ImageRef, pinned: &PinnedRef) -> Result<(), Vec<Ground>> {
        let other = image.digest().and_then(oci::AnyDigest::sha256).is_some_and(|wanted| wanted != *pinned.digest());
        if other || image.repository() != pinned.repository() {
            let why = [format!("{pinned} was judged instead")];
            return Err(vec![self.ground("another image was judged than", &why)]);
        }
        Ok(())
    }

    fn unpinned(&self) -> Ground {
        let image = self.image();
        Ground {
            headline: format!("must be pinned to a digest: {image}; is the mutating webhook installed?"),
            details: Vec::new(),
        }
    }

    fn ground(&self, headline: &str, why: &[String]) -> Ground {
        let details = why.iter().map(|line| words::cut(line, MOST_DETAIL)).collect();
        Ground { headline: format!("{headline} {}", self.image()), details }
    }

    /// The image as written, fit to be shown.
    pub(crate) fn image(&self) -> String {
        words::cut(&self.used.image, 400)
    }
}

const MOST_DETAIL: usize = 1000;
