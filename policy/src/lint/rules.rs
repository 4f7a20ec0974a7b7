//! The rules, one after another: their names are an interface, for people's scripts and for SARIF.

use std::fmt;

/// One thing that is looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: &'static str,
    /// How much a finding of it matters.
    pub severity: Severity,
    /// What it looks for.
    pub about: &'static str,
    /// The number, in `docs/policy-tools.md`, of the behaviour of policy-controller that it is about.
    pub quirk: Option<&'static str>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Probably not what was meant.
    Warning,
    /// As it should be, and surprising.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

const fn warning(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Warning, about, quirk: None }
}

const fn note(id: &'static str, about: &'static str) -> Rule {
    Rule { id, severity: Severity::Note, about, quirk: None }
}

impl Rule {
    const fn quirk(self, number: &'static str) -> Self {
        Self { quirk: Some(number), ..self }
    }
}

pub(super) static SIBLING_GLOB: Rule =
    warning("sibling-glob", "a glob with a star directly behind a name, which matches every name that begins so");
pub(super) static DEAD_GLOB: Rule = warning("dead-glob", "a glob that no admitted name can match");
pub(super) static REDUNDANT_GLOB: Rule = note("redundant-glob", "a glob that another one of the list covers");
pub(super) static UNANCHORED: Rule =
    warning("unanchored-regexp", "an expression for an identity that is open at an end").quirk("Q8");
pub(super) static UNESCAPED_DOT: Rule =
    warning("unescaped-dot", "a dot between letters of an expression for an identity, which stands for any character");
pub(super) static ANYBODY: Rule = warning("anybody", "an expression for an identity that matches everything");
pub(super) static NO_TRUSTED_TIME: Rule =
    warning("no-trusted-time", "identities of a TrustRoot with neither log nor timestamp").quirk("Q19");
pub(super) static BESIDE_PASS: Rule =
    warning("beside-pass", "an authority beside one that lets everything pass, and so without a say");
pub(super) static IGNORES_SCT: Rule =
    warning("ignores-sct", "certificates that need not have been published in a certificate log");
pub(super) static PLAIN_HTTP: Rule = warning("plain-http", "a transparency log by http");
pub(super) static SHORT_PREDICATE: Rule = warning("short-predicate", "a predicate type that is no URI");
pub(super) static TWICE: Rule = warning("duplicate-attestation", "two attestations of one name in an authority");
pub(super) static NO_AUTHORITIES: Rule =
    warning("no-authorities", "a policy without authorities, which refuses what it matches in every mode");
pub(super) static NOT_READY: Rule =
    warning("not-ready", "a policy that cannot be evaluated, and so refuses what it matches").quirk("Q3");
pub(super) static DEAD_MATCH: Rule =
    warning("dead-match", "an entry of `match` without version or resource, which matches nothing").quirk("Q16");
pub(super) static THRESHOLD_OF_ONE: Rule = warning("threshold-of-one", "a threshold of one, which any one meets");
pub(super) static SAME_KEY: Rule = warning("same-key", "two members of a threshold with one key, which count as one");
pub(super) static REVOKED_AUTHORITY: Rule =
    warning("revoked-authority", "a signer whom a policy names and revokes at once");
pub(super) static NO_VERIFIED_TIME: Rule =
    warning("no-verified-time", "an age that is asked of signatures whose time nobody tells");
pub(super) static ENDED_WINDOW: Rule = warning("ended-window", "an authority whose time is over, which nothing meets");
pub(super) static EXPIRED: Rule = warning("expired", "an exception or a broken glass that is over");
pub(super) static UNKNOWN_ASKER: Rule =
    warning("unknown-asker", "users or namespaces at doors that do not know them, and so decide nothing");
pub(super) static ABSENT_DOORS: Rule =
    warning("absent-doors", "a policy for doors alone that this version does not have, and so in force nowhere");
pub(super) static IDLE_EXPRESSION: Rule =
    warning("idle-expression", "an expression that looks at nothing of the image and of what is signed");
pub(super) static NEVER_REACHED: Rule = warning("never-reached", "a policy that no image can come to");
pub(super) static SAME_POLICY: Rule = warning("same-policy", "two policies that say the same");
pub(super) static ONLY_WARNS: Rule = warning("only-warns", "policies of which none enforces");
pub(super) static NO_MATCH_ALLOWS: Rule = warning("no-match-allows", "images that no policy matches are let in");
pub(super) static INERT: Rule = note("inert-field", "a field that changes no verdict");
pub(super) static CA_CERT: Rule =
    warning("ca-cert", "a certificate authority in the policy itself, which no verdict uses").quirk("Q6");
pub(super) static SIGNATURE_NOT_CHECKED: Rule =
    note("signature-not-checked", "attestations, beside which no signature of the image is asked for");
pub(super) static NEEDS_CLUSTER: Rule = note("needs-cluster", "what only an API server can give");
pub(super) static NOT_FETCHED: Rule =
    note("not-fetched", "what lies at an address or in an archive, which is not looked at here");
pub(super) static NEEDS_OBJECT: Rule =
    note("needs-object", "what depends on the object that an image runs in, which only some doors know");
pub(super) static NOT_MONOTONE: Rule =
    note("not-monotone", "a condition that more evidence could turn around, so that all of it must have been read");
pub(super) static DEFAULT_ROOT: Rule =
    note("default-root", "identities whose certificates are judged by the trusted root of the door");
pub(super) static UNUSED_ROOT: Rule = note("unused-root", "a TrustRoot that no policy refers to");
pub(super) static LOG_BY_ROOT: Rule =
    note("log-by-root", "a log named by TrustRoot alone, which is demanded in every version").quirk("Q4");
pub(super) static OCI11: Rule = note("oci11", "referrers, which are always looked at and always verified").quirk("Q5");
pub(super) static SEVERAL: Rule =
    note("several-in-root", "several logs or clocks in a TrustRoot, each of which counts").quirk("Q12");
pub(super) static HOST_SOURCE: Rule = note("host-source", "a source that is a host without a repository").quirk("Q17");
pub(super) static TYPE_META: Rule = note("type-meta", "type metadata, which is there for pods as well").quirk("Q20");

pub(super) static THRESHOLD_OF_ALL: Rule =
    note("threshold-of-all", "a threshold that needs all of its members, of which none may be lost");
pub(super) static LONG_REPRIEVE: Rule =
    note("long-reprieve", "an exception or a broken glass for more than a year from now");
pub(super) static NEEDS_ASKER: Rule =
    note("needs-asker", "an exception or a broken glass for namespaces or users, which only the webhook knows");
pub(super) static NEEDS_TAG: Rule =
    note("needs-tag", "what depends on the tag, which an image has not that is asked for by its digest alone");

/// Every rule.
pub static RULES: [&Rule; 46] = [
    &SIBLING_GLOB,
    &DEAD_GLOB,
    &REDUNDANT_GLOB,
    &UNANCHORED,
    &UNESCAPED_DOT,
    &ANYBODY,
    &NO_TRUSTED_TIME,
    &BESIDE_PASS,
    &IGNORES_SCT,
    &PLAIN_HTTP,
    &SHORT_PREDICATE,
    &TWICE,
    &NO_AUTHORITIES,
    &NOT_READY,
    &DEAD_MATCH,
    &THRESHOLD_OF_ONE,
    &SAME_KEY,
    &REVOKED_AUTHORITY,
    &NO_VERIFIED_TIME,
    &ENDED_WINDOW,
    &EXPIRED,
    &UNKNOWN_ASKER,
    &ABSENT_DOORS,
    &IDLE_EXPRESSION,
    &NEVER_REACHED,
    &SAME_POLICY,
    &ONLY_WARNS,
    &NO_MATCH_ALLOWS,
    &INERT,
    &CA_CERT,
    &SIGNATURE_NOT_CHECKED,
    &NEEDS_CLUSTER,
    &NOT_FETCHED,
    &NEEDS_OBJECT,
    &NOT_MONOTONE,
    &DEFAULT_ROOT,
    &UNUSED_ROOT,
    &LOG_BY_ROOT,
    &OCI11,
    &SEVERAL,
    &HOST_SOURCE,
    &TYPE_META,
    &THRESHOLD_OF_ALL,
    &LONG_REPRIEVE,
    &NEEDS_ASKER,
    &NEEDS_TAG,
];
