//! Where the two programs are meant to differ, and why.

use crate::judges::Verdict::{self, Admitted, Invalid, Refused, Undecided};

/// Cells in which they differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// What policy-controller does that is not done here.
    #[expect(dead_code, reason = "it is for whoever reads the table, or the complaint about a line of it")]
    why: Why,
    policies: &'static [&'static str],
    /// None stand for all.
    images: &'static [&'static str],
    pub(crate) tester: Verdict,
    pub(crate) sealgate: Verdict,
}

/// The quirks of policy-controller that are not copied, as docs/policy.md lists and numbers them.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// The newer version of the API loses `ctlog.trustRootRef`.
    Q4LogLost,
    /// Of several keys in one PEM text the first counts, and the others say nothing.
    Q7FirstKey,
    /// A root with a log whose key is not ECDSA is of no use.
    Q10Rekor2,
    /// A TrustRoot's keys of logs have identities under which no bundle looks for them.
    Q11LogIdentity,
    /// An identity under a root of its own without a log is believed by the clock of today.
    Q19ClockOfToday,
    /// Of two authorities with one name, one is forgotten.
    Q21SameName,
    /// Keys that sign in the newer format, as cosign 3 does unless told otherwise.
    KeysSignBundles,
    /// Where no format is asked for both are read, and the newer one is read for signatures at all.
    BothFormats,
    /// A key's hash is SHA-256 unless `hashAlgorithm` says otherwise; here, where it says nothing, each that its kind admits is tried.
    EachHash,
    /// A key's timestamp is checked where there is one, and not missed where there is none.
    TimestampNotMissed,
    /// A format that does not exist stands for the older one.
    UnknownFormat,
    /// What `match` names is checked by the API server alone.
    UncheckedResource,
    /// What is not known of the input is no objection there, so that "at least two" holds of one.
    UnknownIsMet,
    /// A condition that cannot be evaluated is found out when it is evaluated.
    UncheckedCondition,
    /// Without an object, a policy that asks for one is about nothing; here that is no answer.
    NoObject,
}

impl Difference {
    pub(crate) fn covers(&self, policy: &str, image: &str) -> bool {
        self.policies.contains(&policy) && (self.images.is_empty() || self.images.contains(&image))
    }
}

const fn stricter(why: Why, policies: &'static [&'static str], images: &'static [&'static str]) -> Difference {
    Difference { why, policies, images, tester: Admitted, sealgate: Refused }
}

const fn wider(why: Why, policies: &'static [&'static str], images: &'static [&'static str]) -> Difference {
    Difference { why, policies, images, tester: Refused, sealgate: Admitted }
}

/// A policy that is not even loaded here, whatever policy-tester makes of it.
const fn not_loaded(why: Why, policies: &'static [&'static str], tester: Verdict) -> Difference {
    Difference { why, policies, images: &[], tester, sealgate: Invalid }
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    stricter(Why::Q4LogLost, &["key-log-beta"], UNLOGGED_BY_TEAM),
    stricter(Why::Q4LogLost, &["name-log-beta"], &["name-unlogged"]),
    not_loaded(Why::Q7FirstKey, &["bad-two-keys-in-one"], Admitted),
    not_loaded(Why::Q7FirstKey, &["bad-two-keys-in-one"], Refused),
    wider(Why::Q10Rekor2, &["key-log-rekor2"], &["key-logged"]),
    wider(Why::Q10Rekor2, &["name-log-rekor2"], &["name", "name-bundle", "name-bundle-older"]),
    wider(Why::Q11LogIdentity, ATTESTED_BUNDLES, &["attested-name-bundle"]),
    stricter(Why::Q19ClockOfToday, &["name-root-alone-release"], &["name-release"]),
    not_loaded(Why::Q21SameName, &["key-same-name"], Admitted),
    not_loaded(Why::Q21SameName, &["key-same-name"], Refused),
    wider(Why::KeysSignBundles, KEYS_OF_TEAM, BUNDLES_OF_TEAM),
    wider(Why::KeysSignBundles, &["key-bundle"], &["key-bundle", "key-bundle-older", "key-both-formats"]),
    wider(Why::KeysSignBundles, ATTESTED_BY_TEAM, &["attested-bundle"]),
    wider(Why::BothFormats, &["attested-name"], &["attested-name-bundle"]),
    wider(Why::BothFormats, &["attested-name-cue-not"], &["attested-name-bundle"]),
    wider(Why::BothFormats, NAMES_OF_ALICE, &["name-bundle", "name-bundle-older"]),
    wider(Why::BothFormats, &["over-names-subject"], &["name-bundle", "name-bundle-older"]),
    wider(Why::EachHash, &["key-p384"], &["key-p384"]),
    stricter(Why::TimestampNotMissed, TEAM_BY_CLOCK, UNLOGGED_BY_TEAM),
    not_loaded(Why::UnknownFormat, &["bad-format"], Admitted),
    not_loaded(Why::UnknownFormat, &["bad-format"], Refused),
    not_loaded(Why::UncheckedResource, &["bad-match-resource"], Refused),
    not_loaded(Why::UncheckedCondition, BAD_CONDITIONS, Refused),
    stricter(Why::UnknownIsMet, &["over-cue-minimum"], &["key", "key-both-formats", "key-logged", "index"]),
    wider(Why::KeysSignBundles, &["source-prefix"], &["key-bundle", "key-bundle-older", "key-both-formats"]),
    Difference {
        why: Why::NoObject,
        policies: &["match-nothing-given"],
        images: &[],
        tester: Refused,
        sealgate: Undecided,
    },
];

/// Images with signatures by the key that nobody vouches for.
const UNLOGGED_BY_TEAM: &[&str] = &["key", "key-both-formats", "key-two", "index"];
const TEAM_BY_CLOCK: &[&str] = &["key-clock", "key-clock-beta", "key-clock-of-others", "key-log-clock"];
const ATTESTED_BUNDLES: &[&str] = &[
    "attested-name-bundle",
    "attested-name-bundle-log",
    "attested-name-bundle-clock",
    "attested-name-bundle-cue",
    "attested-name-bundle-log-clock",
];
const BAD_CONDITIONS: &[&str] = &["bad-cue-text", "bad-cue-reference", "bad-rego-text", "bad-rego-package"];
const BUNDLES_OF_TEAM: &[&str] = &["key-bundle", "key-bundle-older"];
/// Policies that the key meets in whichever format.
const KEYS_OF_TEAM: &[&str] = &[
    "key-team",
    "key-team-alpha",
    "key-either",
    "key-or-fail",
    "key-sha256",
    "key-enforce",
    "name-or-key",
    "over-cue-both",
    "over-cue-shape",
    "over-cue-comprehension",
    "over-rego-one",
    "over-config",
    "over-config-rego",
];
/// Policies that the key's attestation that nothing was found meets in whichever format.
const ATTESTED_BY_TEAM: &[&str] = &[
    "attested",
    "attested-or-signed",
    "attested-cue",
    "attested-cue-absent",
    "attested-cue-time",
    "attested-cue-type",
    "attested-cue-list",
    "attested-cue-match",
    "attested-cue-disjunction",
    "attested-rego",
    "attested-rego-count",
    "attested-rego-extended",
    "over-attestations",
];
/// Policies that the name meets in whichever format, or in the newer one.
const NAMES_OF_ALICE: &[&str] = &[
    "name-alice",
    "name-patterns",
    "name-patterns-inside",
    "name-pattern-folded",
    "name-anyone",
    "name-log",
    "name-log-beta",
    "name-root-alone",
    "name-clock",
    "name-log-clock",
    "name-no-sct-ignored",
    "name-or-key",
    "name-url",
    "bundle-name",
    "bundle-name-beta",
    "bundle-name-log",
    "bundle-name-clock",
    "bundle-name-no-sct-ignored",
];
