//! The rules for what only an ImagePolicy says, in the same rows.

use std::sync::LazyLock;

/// An ImagePolicy with this `spec`, in YAML's flow style.
fn own(spec: &str) -> String {
    format!(
        "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: p}}\nspec: {{images: [{{glob: 'ghcr.io/acme/**'}}], {spec}}}\n"
    )
}

static KEYS: LazyLock<[keys::PrivateKey; 3]> =
    LazyLock::new(|| [(); 3].map(|()| keys::PrivateKey::generate().expect("there is randomness")));

/// An authority of this name with the key at this place, and further fields.
fn authority(name: &str, key: usize, further: &str) -> String {
    let pem = KEYS[key].public().to_pem().replace('\n', "\\n");
    format!("{{name: {name}, key: {{data: \"{pem}\"}}{further}}}")
}

/// A policy by one key, with these further fields of its authority.
fn by_key(further: &str) -> String {
    own(&format!("authorities: [{}]", authority("a", 0, further)))
}

/// A policy by one key with these further fields.
fn beside(spec: &str) -> String {
    own(&format!("authorities: [{}], {spec}", authority("a", 0, "")))
}

/// A policy by three keys, of which these are required.
fn required(require: &str) -> String {
    let all = ["a", "b", "c"].iter().enumerate().map(|(key, name)| authority(name, key, "")).collect::<Vec<_>>();
    own(&format!("authorities: [{}], require: {{{require}}}", all.join(", ")))
}

fn team(min: usize) -> String {
    let identities =
        ["ann", "bob", "cat"].map(|name| format!("{{issuer: 'https://a.example', subject: {name}}}")).join(", ");
    own(&format!(
        "authorities: [{{name: t, keyless: {{identities: [{identities}]}}}}], require: {{threshold: {{min: {min}, ofIdentities: t}}}}"
    ))
}

fn identified(identity: &str, beside: &str) -> String {
    own(&format!("authorities: [{{name: t, keyless: {{identities: [{identity}]}}}}]{beside}"))
}

fn cel(text: &str) -> String {
    beside(&format!("expressions: [{{cel: \"{text}\"}}]"))
}

fn exception(further: &str, until: &str) -> String {
    beside(&format!("exceptions: [{{{further}, until: '{until}', reason: x}}]"))
}

fn glass(further: &str, until: &str) -> String {
    beside(&format!("breakGlass: {{until: '{until}', reason: x{further}}}"))
}

const IMAGES: &str = "images: [{glob: 'ghcr.io/acme/old@*'}]";
/// The last moment that is not over, one before it, the last within a year, and one after it.
const STILL: &str = "2026-01-01T00:00:00Z";
const OVER: &str = "2025-12-31T23:59:59Z";
const YEAR: &str = "2027-01-02T00:00:00Z";
const LONGER: &str = "2027-01-02T00:00:01Z";
const SOMEBODY: &str = "{issuer: 'https://a.example', subject: x}";

/// Rule, two texts in which it finds something, one in which it does not.
pub(crate) fn rows() -> Vec<(&'static str, [String; 2], String)> {
    let mut rows = of_signers();
    rows.extend(of_times());
    rows.extend(of_doors());
    rows.extend(of_what_both_kinds_have());
    rows
}

fn of_signers() -> Vec<(&'static str, [String; 2], String)> {
    let same = |second: usize| {
        let (a, b, c) = (authority("a", 0, ""), authority("b", second, ""), authority("c", 2, ""));
        own(&format!("authorities: [{a}, {b}, {c}], require: {{threshold: {{min: 2, of: [a, b, c]}}}}"))
    };
    let nested = |min: usize, last: usize| {
        let (a, b, c) = (authority("a", 0, ""), authority("b", 1, ""), authority("c", last, ""));
        let require = format!("allOf: [{{authority: a}}, {{threshold: {{min: {min}, of: [b, c, a]}}}}]");
        own(&format!("authorities: [{a}, {b}, {c}], require: {{{require}}}"))
    };
    let revoked = |place: usize| beside(&format!("revoked: {{keys: ['{}']}}", KEYS[place].public().id()));
    let gone = |identity: &str| identified(SOMEBODY, &format!(", revoked: {{identities: [{identity}]}}"));
    let two = "threshold: {min: 2, of: [a, b, c]}";
    vec![
        ("threshold-of-one", [required("threshold: {min: 1, of: [a, b, c]}"), team(1)], required(two)),
        ("threshold-of-one", [nested(1, 2), team(1)], nested(2, 2)),
        ("threshold-of-all", [required("threshold: {min: 3, of: [a, b, c]}"), team(3)], team(2)),
        ("same-key", [same(0), nested(2, 1)], same(1)),
        ("revoked-authority", [revoked(0), gone(SOMEBODY)], revoked(1)),
        ("revoked-authority", [gone(SOMEBODY), revoked(0)], gone("{issuer: 'https://b.example', subject: x}")),
        (
            "idle-expression",
            [cel("now > 5"), cel("1 < 2")],
            cel("image.registry.endsWith('x') && signatures.exists(s, s.format.contains('y'))"),
        ),
        ("idle-expression", [cel("true"), cel("size('text') == 4")], cel("size(attestations) > 0")),
        (
            "not-monotone",
            [cel("signatures.all(s, s.format.contains('y'))"), cel("size(signatures) == 1")],
            cel("signatures.exists(s, s.format.contains('y'))"),
        ),
    ]
}

fn of_times() -> Vec<(&'static str, [String; 2], String)> {
    let until = |end: &str, further: &str| by_key(&format!(", validUntil: '{end}'{further}"));
    let stamped = ", rfc3161timestamp: {}";
    vec![
        (
            "no-verified-time",
            [by_key(", maxAge: 90d"), by_key(&format!(", validUntil: '{YEAR}', maxAge: 1d"))],
            by_key(&format!(", maxAge: 90d{stamped}")),
        ),
        ("no-verified-time", [by_key(", maxAge: 1s"), by_key(", maxAge: 9d")], by_key(", maxAge: 1s, ctlog: {}")),
        ("ended-window", [until(OVER, ""), until("2020-01-01T00:00:00Z", "")], until(STILL, "")),
        (
            "ended-window",
            [until(OVER, ""), until("2025-12-01T00:00:00Z", &format!(", maxAge: 30d{stamped}"))],
            until(OVER, stamped),
        ),
        (
            "ended-window",
            [until("2025-12-01T00:00:00Z", &format!(", maxAge: 30d{stamped}")), until(OVER, "")],
            until("2025-12-02T00:00:00Z", &format!(", maxAge: 30d{stamped}")),
        ),
        ("expired", [exception(IMAGES, OVER), glass("", OVER)], exception(IMAGES, STILL)),
        ("expired", [glass("", "2020-01-01T00:00:00Z"), exception(IMAGES, OVER)], glass("", STILL)),
        ("long-reprieve", [exception(IMAGES, LONGER), glass("", LONGER)], glass("", YEAR)),
    ]
}

fn of_doors() -> Vec<(&'static str, [String; 2], String)> {
    let signed_tag = |tag: &str| by_key(&format!(", signedTag: {{{tag}}}"));
    let object = "match: [{version: v1, resource: pods}]";
    vec![
        (
            "unknown-asker",
            [beside("users: [ci-*]"), beside("namespaces: [prod], doors: [check, webhook]")],
            beside("users: [ci-*], namespaces: [prod], doors: [webhook]"),
        ),
        (
            "absent-doors",
            [beside("doors: [host]"), beside("doors: [containerd, host]")],
            beside("doors: [host, check]"),
        ),
        (
            "needs-asker",
            [glass(", users: [ann]", YEAR), exception("namespaces: [old]", YEAR)],
            beside(&format!(
                "doors: [webhook], breakGlass: {{until: '{YEAR}', reason: x, users: [ann]}}, \
                 exceptions: [{{namespaces: [old], until: '{YEAR}', reason: x}}]"
            )),
        ),
        ("needs-tag", [signed_tag(""), beside("index: accepted")], beside("index: ignored")),
        ("needs-tag", [signed_tag("annotation: release"), beside("index: accepted")], by_key(", signedName: {}")),
        (
            "needs-object",
            [beside(object), beside("doors: [check], policy: {type: cue, data: 'a: 1', includeSpec: true}")],
            beside(&format!("doors: [webhook], {object}, policy: {{type: cue, data: 'a: 1', includeSpec: true}}")),
        ),
    ]
}

fn of_what_both_kinds_have() -> Vec<(&'static str, [String; 2], String)> {
    let expression = |text: &str| identified(&format!("{{issuer: 'https://a.example', subjectRegExp: '{text}'}}"), "");
    let passing = |require: &str| {
        own(&format!("authorities: [{{name: p, static: {{action: pass}}}}, {}]{require}", authority("a", 0, "")))
    };
    let other_kind = beside("").replace("sealgate.dev/v1", "policy.sigstore.dev/v1beta1");
    let other_kind =
        other_kind.replace("kind: ImagePolicy", "kind: ClusterImagePolicy").replace("name: p}", "name: q}");
    let again = beside("").replace("metadata: {name: p}", "metadata: {name: q}");
    vec![
        ("anybody", [expression(".*"), expression(".+")], expression("bot@a[.]example")),
        ("unescaped-dot", [expression("bot@a.example"), expression("x|y@a.example")], expression(r"bot@a\.example")),
        (
            "beside-pass",
            [passing(""), passing(", mode: warn")],
            passing(", require: {allOf: [{authority: p}, {authority: a}]}"),
        ),
        (
            "same-policy",
            [format!("{}---\n{again}", beside("")), format!("{again}---\n{}", beside(""))],
            format!("{}---\n{other_kind}", beside("")),
        ),
        (
            "only-warns",
            [
                beside("mode: audit"),
                format!("{}---\n{}", beside("mode: audit"), again.replace("spec: {", "spec: {mode: warn, ")),
            ],
            beside("mode: enforce"),
        ),
        // An expression for an identity is anchored here.
        (
            "unanchored-regexp",
            [1, 2].map(|_| {
                expression("bot")
                    .replace("sealgate.dev/v1", "policy.sigstore.dev/v1beta1")
                    .replace("kind: I", "kind: ClusterI")
            }),
            expression("bot"),
        ),
    ]
}
