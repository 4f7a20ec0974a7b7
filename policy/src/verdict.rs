//! The answers: let in with what met each policy, refused with the reasons, or undecided with what is missing.

use std::fmt;

use oci::PinnedRef;
use serde::Serialize;
use verifier::{Gap, Signer};

use crate::{Reprieve, Unknown};

/// What the policies say about one image.
///
/// `Allow` means that every policy that matches was met, or only warns; it says nothing about the image's contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub enum Verdict {
    /// The image may be let in.
    Allow(Approval),
    /// The image must be refused.
    Deny(Denial),
}

/// Why an image may be let in. Only this crate makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    pub(crate) met: Vec<Met>,
    #[serde(skip)]
    pub(crate) by_digest: bool,
    pub(crate) warnings: Vec<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) audited: Vec<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reprieves: Vec<Reprieve>,
}

impl Approval {
    /// For each policy that was met, by what: once for each authority that it needed. Empty only where no policy
    /// matched and the settings let that pass, or where all that matched only warn or let the image in unmet.
    #[must_use]
    pub fn met(&self) -> &[Met] {
        &self.met
    }

    /// Whether an enforcing policy that was met may refuse another image under the same name.
    #[must_use]
    pub fn depends_on_digest(&self) -> bool {
        self.by_digest
    }

    /// What a stricter setting would have refused.
    #[must_use]
    pub fn warnings(&self) -> &[Reason] {
        &self.warnings
    }

    /// Failures of policies that only take note.
    #[must_use]
    pub fn audited(&self) -> &[Reason] {
        &self.audited
    }

    /// The exceptions and the broken glasses without which the image would have been refused, or warned of. Each is
    /// among the warnings too.
    #[must_use]
    pub fn reprieves(&self) -> &[Reprieve] {
        &self.reprieves
    }
}

/// What met a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Met {
    /// The policy's name.
    pub policy: String,
    /// The authority's name.
    pub authority: String,
    /// Who signed; nobody where the authority asks for no signature.
    pub signer: Option<Signer>,
    /// Whether the policy refuses what does not meet it; false where it only warns.
    pub enforced: bool,
}

/// Why an image must be refused. There is at least one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    pub(crate) reasons: Vec<Reason>,
    pub(crate) warnings: Vec<Reason>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) audited: Vec<Reason>,
}

impl Denial {
    /// The reasons, most telling first; never empty.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// Failures of policies that only warn, which refuse nothing by themselves.
    #[must_use]
    pub fn warnings(&self) -> &[Reason] {
        &self.warnings
    }

    /// Failures of policies that only take note.
    #[must_use]
    pub fn audited(&self) -> &[Reason] {
        &self.audited
    }

    /// The most telling reason in one line.
    #[must_use]
    pub fn headline(&self) -> String {
        let Some(Reason { summary, details, .. }) = self.reasons.first() else { return "refused".to_owned() };
        details.first().map_or_else(|| summary.clone(), |detail| format!("{summary}: {detail}"))
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, reason) in self.reasons.iter().enumerate() {
            write!(f, "{}{reason}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// One objection to an image, by a policy or for want of one. Display has the summary and each detail on its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub(crate) policy: Option<String>,
    pub(crate) summary: String,
    pub(crate) details: Vec<String>,
    #[serde(skip)]
    pub(crate) rank: u8,
}

impl Reason {
    /// The policy that objects; none where no policy matched.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// The objection in a few words: `failed policy: NAME`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// What was found and what was wanted, a line each, most telling first.
    #[must_use]
    pub fn details(&self) -> &[String] {
        &self.details
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n  {detail}"))
    }
}

/// Why there is no verdict: neither a yes nor a no can be proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// The policies ask for signatures, and no evidence was given.
    #[error("policies ask for signatures and none were looked for: {}", .policies.join(", "))]
    NoEvidence {
        /// The policies that ask.
        policies: Vec<String>,
    },
    /// The evidence is about another image.
    #[error("evidence is about {found}, wanted {wanted}")]
    OtherImage {
        /// The image that the evidence is about.
        found: Box<PinnedRef>,
        /// The image that was asked about.
        wanted: String,
    },
    /// The policies are for some objects, users or namespaces only, or look into objects, and nobody said which this is.
    #[error("{what}: {}", .policies.join(", "))]
    Unknown {
        /// What would have to be known.
        what: Unknown,
        /// The policies that ask.
        policies: Vec<String>,
    },
    /// Nothing found satisfies these policies, and not everything could be read.
    #[error("not every signature could be read ({}), and none that could satisfies {}", list(.gaps), .policies.join(", "))]
    Gaps {
        /// The policies that more signatures might satisfy.
        policies: Vec<String>,
        /// What could not be read.
        gaps: Vec<Gap>,
    },
}

impl Undecided {
    /// The sources that could not be read.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        match self {
            Self::Gaps { gaps, .. } => gaps,
            Self::NoEvidence { .. } | Self::OtherImage { .. } | Self::Unknown { .. } => &[],
        }
    }
}

fn list(gaps: &[Gap]) -> String {
    gaps.iter().map(Gap::to_string).collect::<Vec<_>>().join("; ")
}
