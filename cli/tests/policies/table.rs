//! Which policy says what of which image.

use crate::objects::{CONDITION_OF_ROOT, CONDITION_OF_USER, DEPLOYMENT, OTHER_POD, POD, SECRET};

/// A policy, or several that must all be met, and what is said of images.
pub(crate) struct Row {
    pub(crate) files: &'static [&'static str],
    /// The key pair whose public key stands for every key.
    pub(crate) key: &'static str,
    /// Objects that lie beside it, where `KEY` stands for that key in base64.
    pub(crate) beside: &'static [&'static str],
    /// What else is replaced, so that the policy is about our images at all.
    pub(crate) replaced: &'static [(&'static str, &'static str)],
    /// Whose certificates, logs and clocks count.
    pub(crate) root: Root,
    pub(crate) cases: &'static [Case],
}

/// A trusted root, also in the place of the TrustRoot objects that a policy refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// Of the services that the images were signed with.
    Own,
    /// Of other services with the same names.
    OfOthers,
    /// The objects are not there.
    Absent,
}

/// An image, and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) image: &'static str,
    /// What it runs in, where `IMAGE` stands for it.
    pub(crate) object: Option<&'static str>,
    pub(crate) wanted: Wanted,
}

/// The verdict, with words that must be among its reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Allowed,
    /// Let in, and said why it should not be.
    Warned(&'static str),
    Denied(&'static str),
    Undecided(&'static str),
}

use Wanted::{Allowed, Denied, Undecided, Warned};

const fn row(files: &'static [&'static str], cases: &'static [Case]) -> Row {
    Row { files, key: "team", beside: &[], replaced: &[], root: Root::Own, cases }
}

const fn of(image: &'static str, wanted: Wanted) -> Case {
    Case { image, object: None, wanted }
}

const fn within(object: &'static str, image: &'static str, wanted: Wanted) -> Case {
    Case { image, object: Some(object), wanted }
}

const UNSIGNED: Wanted = Denied("no signatures found");
const NO_MATCH: Wanted = Denied("no matching signatures");
const UNATTESTED: Wanted = Denied("no matching attestations");
const STRANGER: Wanted = Denied("none of the expected identities matched what was in the certificate");
const CONFLICT: Wanted = Denied("conflicting values");
const CONDITION: Wanted = Denied("failed evaluating cue policy for ClusterImagePolicy");
const NOT_ABOUT: Wanted = Denied("no matching policies");
const STATIC: Wanted = Denied("disallowed by static policy");

/// What all policies for the service account say of signatures.
const BY_NAME: &[Case] = &[
    of("name", Allowed),
    of("name-bundle", Allowed),
    of("name-rekor2", Allowed),
    of("unsigned", UNSIGNED),
    of("name-stranger", STRANGER),
    of("name-uncertified", NO_MATCH),
    of("name-elsewhere", UNSIGNED),
    of("name-attested", UNSIGNED),
    of("key", NO_MATCH),
    of("solver", NOT_ABOUT),
];

/// What all policies for its attestation say.
const ATTESTED_BY_NAME: &[Case] = &[
    of("name-attested", Allowed),
    of("name-attested-bundle", Allowed),
    of("name-attested-other", CONFLICT),
    of("name-attested-stranger", UNATTESTED),
    of("key-attested", UNATTESTED),
    of("name", UNATTESTED),
    of("unsigned", UNATTESTED),
];

pub(crate) const ROWS: &[Row] = &[
    row(
        &["cip-key.yaml"],
        &[
            of("key", Allowed),
            of("key-bundle", Allowed),
            of("unsigned", UNSIGNED),
            of("key-unlogged", NO_MATCH),
            of("key-stamped", NO_MATCH),
            of("key-stranger", NO_MATCH),
            of("key-attested", UNSIGNED),
            of("name", NO_MATCH),
            of("server", NOT_ABOUT),
        ],
    ),
    Row { root: Root::OfOthers, ..row(&["cip-key.yaml"], &[of("key", NO_MATCH), of("key-bundle", NO_MATCH)]) },
    Row { key: "stranger", ..row(&["cip-key.yaml"], &[of("key", NO_MATCH), of("key-stranger", Allowed)]) },
    row(
        &["cip-key-and-keyless.yaml"],
        &[
            of("key", Allowed),
            of("key-bundle", Allowed),
            of("name", Allowed),
            of("name-bundle", Allowed),
            of("unsigned", UNSIGNED),
            of("key-stranger", NO_MATCH),
            of("name-stranger", STRANGER),
            of("name-uncertified", NO_MATCH),
        ],
    ),
    row(
        &["cip-key-and-keyless-ignore-sct.yaml"],
        &[
            of("key", Allowed),
            of("name", Allowed),
            of("name-uncertified", Allowed),
            of("unsigned", UNSIGNED),
            of("key-stranger", NO_MATCH),
            of("name-stranger", STRANGER),
        ],
    ),
    // As it is written it is about tags, and nothing is admitted by its tag.
    Row {
        key: "p521",
        ..row(&["cip-key-hash-algorithm.yaml"], &[of("solver", NOT_ABOUT), of("solver-unsigned", NOT_ABOUT)])
    },
    Row {
        key: "p521",
        replaced: &[("acmesolver:*", "acmesolver@*")],
        ..row(
            &["cip-key-hash-algorithm.yaml"],
            &[
                of("solver", Allowed),
                of("solver-unsigned", UNSIGNED),
                of("solver-stranger", NO_MATCH),
                of("key", NOT_ABOUT),
            ],
        )
    },
    // cosign signs with SHA-512 by that key, and with SHA-256 by this one.
    Row {
        replaced: &[("acmesolver:*", "acmesolver@*")],
        ..row(
            &["cip-key-hash-algorithm.yaml"],
            &[of("solver-stranger", Denied("is over SHA-256, wanted SHA-512")), of("solver", NO_MATCH)],
        )
    },
    Row {
        replaced: &[("acmesolver:*", "acmesolver@*"), ("hashAlgorithm: sha512", "hashAlgorithm: sha256")],
        ..row(&["cip-key-hash-algorithm.yaml"], &[of("solver-stranger", Allowed), of("solver", NO_MATCH)])
    },
    row(
        &["cip-key-tsa.yaml"],
        &[
            of("key-stamped", Allowed),
            of("key-stamped-bundle", Allowed),
            of("key", NO_MATCH),
            of("key-stamped-stranger", NO_MATCH),
            of("unsigned", UNSIGNED),
        ],
    ),
    Row {
        root: Root::OfOthers,
        ..row(&["cip-key-tsa.yaml"], &[of("key-stamped", NO_MATCH), of("key-stamped-bundle", NO_MATCH)])
    },
    Row { root: Root::Absent, ..row(&["cip-key-tsa.yaml"], &[of("key-stamped", Denied("my-sigstore-keys"))]) },
    row(
        &["cip-key-with-attestations.yaml"],
        &[
            of("key-attested", Allowed),
            of("key-attested-bundle", Allowed),
            of("key-attested-unlogged", UNATTESTED),
            of("key-attested-other", CONFLICT),
            of("key-attested-scan", UNATTESTED),
            of("key-attested-stranger", UNATTESTED),
            of("key", UNATTESTED),
            of("unsigned", UNATTESTED),
        ],
    ),
    row(
        &["cip-key-with-attestations-no-rekor.yaml"],
        &[
            of("key-attested", Allowed),
            of("key-attested-bundle", Allowed),
            of("key-attested-unlogged", Allowed),
            of("key-attested-other", CONFLICT),
            of("key-attested-stranger", UNATTESTED),
            of("key-unlogged", UNATTESTED),
            of("unsigned", UNATTESTED),
        ],
    ),
    row(&["cip-keyless.yaml"], BY_NAME),
    Row { root: Root::OfOthers, ..row(&["cip-keyless.yaml"], &[of("name", NO_MATCH), of("name-bundle", NO_MATCH)]) },
    row(&["cip-keyless-with-identities.yaml"], BY_NAME),
    row(
        &["cip-keyless-with-identities-mismatch.yaml"],
        &[of("name", STRANGER), of("name-bundle", STRANGER), of("name-stranger", STRANGER), of("unsigned", UNSIGNED)],
    ),
    row(
        &["cip-keyless-warn.yaml"],
        &[
            of("name", Allowed),
            of("unsigned", Warned("no signatures found")),
            of("name-stranger", Warned("none of the expected identities matched what was in the certificate")),
            of("server", NOT_ABOUT),
        ],
    ),
    row(
        &["cip-keyless-with-source.yaml"],
        &[of("name-elsewhere", Allowed), of("name", UNSIGNED), of("unsigned", UNSIGNED), of("server", NOT_ABOUT)],
    ),
    row(&["cip-keyless-with-attestations.yaml"], ATTESTED_BY_NAME),
    row(&["cip-keyless-with-trustroot-remote-with-attestations.yaml"], ATTESTED_BY_NAME),
    Row {
        root: Root::OfOthers,
        ..row(&["cip-keyless-with-trustroot-remote-with-attestations.yaml"], &[of("name-attested", UNATTESTED)])
    },
    Row {
        root: Root::Absent,
        ..row(
            &["cip-keyless-with-trustroot-remote-with-attestations.yaml"],
            &[of("name-attested", Denied("my-remote"))],
        )
    },
    row(&["cip-keyless-with-trustroot-repository-with-attestations.yaml"], ATTESTED_BY_NAME),
    Row {
        root: Root::Absent,
        ..row(
            &["cip-keyless-with-trustroot-repository-with-attestations.yaml"],
            &[of("name-attested", Denied("my-repository-serialized"))],
        )
    },
    // To CUE, a bound on the length of a list that is not there is met. What a comprehension computes with must be there.
    row(
        &["cip-requires-two-signatures-and-two-attestations.yaml"],
        &[
            of("all", Allowed),
            of("all-bundles", Allowed),
            of("all-but-key", Allowed),
            of("all-but-name", Allowed),
            of("all-but-word", Allowed),
            // Whoever signs in both formats signs once.
            of("all-in-both", Allowed),
            of("all-bundles-twice", Denied("authorityMatches.keysignature.signatures")),
            of("all-but-scan", CONDITION),
            of("all-scanned-later", CONDITION),
            of("key", CONDITION),
            of("unsigned", UNSIGNED),
        ],
    ),
    row(&["cip-static-fail.yaml"], &[of("unsigned", STATIC), of("key", STATIC), of("server", NOT_ABOUT)]),
    row(&["cip-static-pass.yaml"], &[of("unsigned", Allowed), of("key", Allowed), of("server", NOT_ABOUT)]),
    // Every policy must be met.
    row(&["cip-keyless.yaml", "cip-static-fail.yaml"], &[of("name", STATIC)]),
    row(&["cip-keyless.yaml", "cip-static-fail.yaml", "cip-static-pass.yaml"], &[of("name", STATIC)]),
    row(&["cip-keyless.yaml", "cip-static-pass.yaml"], &[of("name", Allowed), of("unsigned", UNSIGNED)]),
    row(
        &["cip-keyless.yaml", "cip-keyless-with-identities-mismatch.yaml"],
        &[of("name", Denied("failed policy: image-policy-keyless-with-identities-mismatch"))],
    ),
    row(
        &["cip-config-file-policy.yaml"],
        &[
            of("server", Allowed),
            of("server-index", Allowed),
            of("server-root", CONFLICT),
            of("server-index-root", CONFLICT),
            of("key", NOT_ABOUT),
        ],
    ),
    row(
        &["cip-config-file-policy-fails.yaml"],
        &[of("server", CONFLICT), of("server-index", CONFLICT), of("server-root", CONFLICT)],
    ),
    Row {
        beside: &[CONDITION_OF_USER],
        ..row(
            &["cip-config-file-policy-from-configmap.yaml"],
            &[of("server", Allowed), of("server-index", Allowed), of("server-root", CONFLICT), of("key", NOT_ABOUT)],
        )
    },
    Row {
        beside: &[CONDITION_OF_ROOT],
        ..row(
            &["cip-config-file-policy-from-configmap.yaml"],
            &[of("server", CONFLICT), of("server-index", CONFLICT), of("server-root", Allowed)],
        )
    },
    row(
        &["cip-config-file-policy-from-configmap.yaml"],
        &[of("server", Denied("policy-config")), of("server-root", Denied("policy-config"))],
    ),
    Row {
        beside: &[SECRET],
        ..row(
            &["cip-key-secret.yaml"],
            &[
                of("key", Allowed),
                of("key-bundle", Allowed),
                of("unsigned", UNSIGNED),
                of("key-unlogged", NO_MATCH),
                of("key-stranger", NO_MATCH),
            ],
        )
    },
    Row {
        key: "stranger",
        beside: &[SECRET],
        ..row(&["cip-key-secret.yaml"], &[of("key", NO_MATCH), of("key-stranger", Allowed)])
    },
    row(&["cip-key-secret.yaml"], &[of("key", Denied("cip-secret")), of("unsigned", Denied("cip-secret"))]),
    // Its condition lies on the internet, where no test goes.
    row(
        &["cip-policy-from-url.yaml"],
        &[of("server", Denied("policy is not ready")), of("server-root", Denied("policy is not ready"))],
    ),
    row(
        &["cip-include-spec.yaml"],
        &[
            within(POD, "server", Allowed),
            within(DEPLOYMENT, "server", CONFLICT),
            of("server", Undecided("image-policy-config-file")),
            within(POD, "key", NOT_ABOUT),
        ],
    ),
    row(
        &["cip-include-spec-fails.yaml"],
        &[
            within(POD, "server", CONFLICT),
            within(DEPLOYMENT, "server", Allowed),
            of("server", Undecided("image-policy-config-file-fail")),
        ],
    ),
    row(
        &["cip-include-objectmeta.yaml"],
        &[
            within(POD, "server", CONFLICT),
            within(DEPLOYMENT, "server", Allowed),
            of("server", Undecided("image-policy-objectmeta")),
        ],
    ),
    row(
        &["cip-match-resource-label.yaml"],
        &[
            within(POD, "key", Allowed),
            within(POD, "unsigned", UNSIGNED),
            within(POD, "key-unlogged", NO_MATCH),
            within(OTHER_POD, "key", NOT_ABOUT),
            within(DEPLOYMENT, "key", NOT_ABOUT),
            of("key", Undecided("image-policy-match-label")),
        ],
    ),
];
