//! One row for each case: what fires a rule, and what comes near and does not.

use std::{collections::BTreeSet, sync::LazyLock};

use policy::RULES;

use super::{image_policy, look};

/// A policy with this `spec`, in YAML's flow style.
pub(crate) fn document(name: &str, spec: &str) -> String {
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

const REFUSE: &str = "authorities: [{static: {action: fail}}]";
const ALL: &str = "images: [{glob: '**'}]";
/// A key's field; the key is another in every run.
static KEY: LazyLock<String> = LazyLock::new(|| {
    let key = keys::PrivateKey::generate().expect("there is randomness");
    format!("key: {{data: \"{}\"}}", key.public().to_pem().replace('\n', "\\n"))
});

fn globs(globs: &str) -> String {
    document(
        "p",
        &format!(
            "images: [{}], {REFUSE}",
            globs.split(' ').map(|g| format!("{{glob: '{g}'}}")).collect::<Vec<_>>().join(", ")
        ),
    )
}

fn keyless(rest: &str, beside: &str) -> String {
    document("p", &format!("{ALL}, authorities: [{{keyless: {{{rest}}}{beside}}}]"))
}

fn identity(expression: &str) -> String {
    keyless(
        &format!("identities: [{{issuer: 'https://a.example', subjectRegExp: '{expression}'}}], trustRootRef: r"),
        "",
    )
}

const SOMEBODY: &str = "identities: [{issuer: 'https://a.example', subject: b}]";

fn by_key(beside: &str) -> String {
    document("p", &format!("{ALL}, authorities: [{{{}{beside}}}]", *KEY))
}

fn beside(spec: &str) -> String {
    document("p", &format!("{ALL}, {REFUSE}, {spec}"))
}

fn condition(kind: &str, data: &str) -> String {
    beside(&format!("policy: {{type: {kind}, data: \"{data}\"}}"))
}

fn attested(attestations: &str) -> String {
    by_key(&format!(", attestations: [{attestations}]"))
}

fn config(data: &str) -> String {
    format!(
        "{}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-policy-controller}}\ndata: {{{data}}}\n",
        by_key("")
    )
}

fn root(name: &str, lists: &str) -> String {
    format!(
        "---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {{name: {name}}}\nspec: {{sigstoreKeys: {{{lists}}}}}\n"
    )
}

const CLOCK: &str = "{subject: {organization: o, commonName: c}, uri: 'https://t.example', certChain: YQ==}";
const LOG: &str = "{baseURL: 'https://l.example', hashAlgorithm: sha-256, publicKey: YQ==}";

/// Whether the rule finds something in the text.
fn fires(rule: &str, text: &str) -> bool {
    look(&[text]).iter().any(|found| found.rule().id == rule)
}

/// Rule, two texts in which it finds something, one in which it does not.
fn table() -> Vec<(&'static str, [String; 2], String)> {
    let mut rows = of_globs_and_identities();
    rows.extend(of_authorities());
    rows.extend(of_what_they_hold());
    rows.extend(of_conditions());
    rows.extend(of_the_whole());
    rows.extend(image_policy::rows());
    rows
}

fn of_globs_and_identities() -> Vec<(&'static str, [String; 2], String)> {
    vec![
        (
            "sibling-glob",
            [globs("ghcr.io/acme/app*"), globs("ghcr.io**")],
            globs("ghcr.io/acme/app@* ghcr.io/b/** ghcr.io/c/x-*"),
        ),
        ("dead-glob", [globs("ghcr.io/acme/app:v1.*"), globs("docker.io/library/**")], globs("ghcr.io:443/acme/app@*")),
        ("dead-glob", [globs("ghcr.io/acme/app"), globs("nginx")], globs("*")),
        (
            "redundant-glob",
            [globs("ghcr.io/acme/** ghcr.io/acme/app@*"), globs("ghcr.io/a@* ghcr.io/a@*")],
            globs("ghcr.io/a/** ghcr.io/ab@*"),
        ),
        ("unanchored-regexp", [identity("^https://a"), identity("bot@a$")], identity(r"^https://github\.com/acme/.*$")),
        (
            "unescaped-dot",
            [identity("^https://github.com/acme/.*$"), identity("^(x|bot@acme.example)$")],
            identity(r"^a\.b.*c.?d. $"),
        ),
        ("anybody", [identity(".*"), identity("^.+$")], identity("^a.*$")),
    ]
}

fn of_authorities() -> Vec<(&'static str, [String; 2], String)> {
    let two = |one: &str, other: &str| document("p", &format!("{ALL}, authorities: [{one}, {other}]"));
    let (pass, fail, key) = ("{static: {action: pass}}", "{static: {action: fail}}", format!("{{{}}}", *KEY));
    let rooted = format!("{SOMEBODY}, trustRootRef: r");
    let named = |name: &str, kind: &str| format!("{{name: {name}, predicateType: '{kind}'}}");
    vec![
        (
            "no-trusted-time",
            [keyless(&rooted, ""), keyless(&rooted, ", signatureFormat: bundle")],
            keyless(&rooted, ", ctlog: {trustRootRef: r}"),
        ),
        (
            "no-trusted-time",
            [keyless(&rooted, ", source: [{oci: ghcr.io/a/b}]"), keyless(&rooted, "")],
            keyless(&rooted, ", rfc3161timestamp: {trustRootRef: r}"),
        ),
        ("beside-pass", [two(pass, &key), two(fail, pass)], two(fail, &key)),
        (
            "ignores-sct",
            [
                keyless(&format!("{SOMEBODY}, insecureIgnoreSCT: true"), ""),
                keyless(&format!("{rooted}, insecureIgnoreSCT: true"), ""),
            ],
            keyless(&format!("{rooted}, insecureIgnoreSCT: false"), ""),
        ),
        (
            "plain-http",
            [by_key(", ctlog: {url: 'http://l.example'}"), keyless(SOMEBODY, ", ctlog: {url: 'http://l.example'}")],
            by_key(", ctlog: {url: 'https://l.example'}"),
        ),
        (
            "short-predicate",
            [attested(&named("a", "vuln")), attested(&named("a", "mine"))],
            attested(&named("a", "https://slsa.dev/provenance/v1")),
        ),
        (
            "duplicate-attestation",
            [
                attested(&format!("{}, {}", named("a", "x:y"), named("a", "x:z"))),
                attested(&format!("{0}, {0}", named("b", "x:y"))),
            ],
            attested(&format!("{}, {}", named("a", "x:y"), named("b", "x:y"))),
        ),
        (
            "signature-not-checked",
            [attested(&named("a", "x:y")), keyless(&rooted, &format!(", attestations: [{}]", named("a", "x:y")))],
            by_key(""),
        ),
    ]
}

fn of_what_they_hold() -> Vec<(&'static str, [String; 2], String)> {
    let two = |one: &str, other: &str| document("p", &format!("{ALL}, authorities: [{one}, {other}]"));
    let (pass, key) = ("{static: {action: pass}}", format!("{{{}}}", *KEY));
    let no_authorities = |mode: &str| {
        document("p", &format!("{ALL}, mode: {mode}"))
            + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-policy-controller}\ndata: {fail-on-empty-authorities: 'false'}\n"
    };
    let rooted = format!("{SOMEBODY}, trustRootRef: r");
    let ca = format!("{SOMEBODY}, ca-cert: {{secretRef: {{name: s}}}}");
    let pull = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/dockercfg\n\
                stringData: {.dockercfg: '{\"ghcr.io\":{\"auth\":\"YTpi\"}}'}\n";
    let pulled = [&by_key(", source: [{oci: ghcr.io/a/b, signaturePullSecrets: [{name: s}]}]"), pull].join("---\n");
    vec![
        ("no-authorities", [no_authorities("enforce"), no_authorities("warn")], by_key("")),
        (
            "inert-field",
            [
                keyless(&format!("{SOMEBODY}, url: 'https://f.example'"), ""),
                keyless(&format!("{SOMEBODY}, url: 'https://f.example'"), ", ctlog: {url: 'https://l.example'}"),
            ],
            by_key("").replace("key: {", "key: {hashAlgorithm: sha256, "),
        ),
        (
            "inert-field",
            [
                two("{static: {action: pass, message: m}}", pass).replace(", {static: {action: pass}}", ""),
                by_key(", ctlog: {url: 'https://l.example'}, rfc3161timestamp: {trustRootRef: r}"),
            ],
            two("{static: {action: fail, message: m}}", &key),
        ),
        (
            "ca-cert",
            [keyless(&ca, ""), keyless(&ca.replace("secretRef: {name: s}", "kms: 'hashivault://x'"), "")],
            keyless(&rooted, ""),
        ),
        (
            "needs-cluster",
            [
                by_key(", source: [{oci: ghcr.io/a/b, signaturePullSecrets: [{name: s}]}]"),
                by_key(", source: [{signaturePullSecrets: [{name: s}, {name: t}]}]"),
            ],
            pulled,
        ),
        (
            "default-root",
            [keyless(SOMEBODY, ""), keyless(SOMEBODY, ", ctlog: {url: 'https://l.example'}")],
            keyless(&rooted, ""),
        ),
        (
            "log-by-root",
            [by_key(", ctlog: {trustRootRef: r}"), keyless(SOMEBODY, ", ctlog: {trustRootRef: r}")],
            by_key(", ctlog: {url: 'https://l.example', trustRootRef: r}"),
        ),
        (
            "host-source",
            [by_key(", source: [{oci: ghcr.io}]"), by_key(", source: [{oci: 'localhost:5000'}]")],
            by_key(", source: [{oci: 'localhost:5000/a'}]"),
        ),
    ]
}

fn of_conditions() -> Vec<(&'static str, [String; 2], String)> {
    let repository = root("r", "").replace("sigstoreKeys: {}", "remote: {root: e30=, mirror: 'https://a.example'}");
    let from = |further: &str| beside(&format!("policy: {{type: cue, configMapRef: {{name: m, key: k{further}}}}}"));
    vec![
        (
            "dead-match",
            [beside("match: [{version: v1}]"), beside("match: [{resource: pods}]")],
            beside("match: [{version: v1, resource: pods}]"),
        ),
        (
            "needs-object",
            [
                beside("match: [{version: v1, resource: pods}]"),
                beside("policy: {type: cue, data: 'a: 1', includeSpec: true}"),
            ],
            beside("policy: {type: cue, data: 'a: 1', fetchConfigFile: true}"),
        ),
        (
            "not-fetched",
            [
                beside("policy: {type: cue, remote: {url: 'https://a.example/b', sha256sum: c}}"),
                by_key("") + &repository,
            ],
            condition("cue", "a: 1"),
        ),
        ("inert-field", [from(", namespace: x"), from(", namespace: z")], from("")),
        (
            "not-monotone",
            [
                condition("cue", r#"import \"list\"\na: 1\nb: list.MaxItems(1)"#),
                condition("rego", r"package sigstore\nisCompliant { not input.a }"),
            ],
            condition("cue", r#"import \"list\"\n// MaxItems\nb: list.MinItems(1)"#),
        ),
        (
            "not-monotone",
            [
                condition("rego", r"package sigstore\nisCompliant { count(input.x) < 2 }"),
                condition("cue", r"a: !=\'x\'".replace(r"\'", "'").as_str()),
            ],
            condition("rego", r"package sigstore\nisCompliant { count(input.nothing) > 2 } # not"),
        ),
        (
            "type-meta",
            [
                beside("policy: {type: cue, data: 'a: 1', includeTypeMeta: true}"),
                beside("mode: warn, policy: {type: cue, data: 'a: 1', includeTypeMeta: true}"),
            ],
            beside("policy: {type: cue, data: 'a: 1', includeTypeMeta: false}"),
        ),
    ]
}

fn of_the_whole() -> Vec<(&'static str, [String; 2], String)> {
    let named = |name: &str, spec: &str| document(name, &format!("{ALL}, authorities: [{{{}}}], {spec}", *KEY));
    let many = |documents: &[String]| documents.join("---\n");
    let kms = document("p", &format!("{ALL}, authorities: [{{key: {{kms: 'hashivault://x'}}}}]"));
    let logged = |root_name: &str| by_key(&format!(", ctlog: {{trustRootRef: {root_name}}}"));
    let good = format!("certificateAuthorities: [{CLOCK}]");
    vec![
        ("not-ready", [kms, logged("absent")], keyless(SOMEBODY, "")),
        (
            "never-reached",
            [globs("nginx redis"), beside("match: [{version: v1}, {resource: pods}]")],
            globs("nginx ghcr.io/a@*"),
        ),
        (
            "same-policy",
            [many(&[named("a", ""), named("b", "")]), many(&[named("a", "mode: warn"), named("b", "mode: warn")])],
            many(&[named("a", ""), named("b", "mode: warn")]),
        ),
        (
            "only-warns",
            [
                named("a", "mode: warn"),
                many(&[named("a", "mode: warn"), globs("ghcr.io/a@*").replace("spec: {", "spec: {mode: warn, ")]),
            ],
            many(&[named("a", "mode: warn"), globs("ghcr.io/a@*")]),
        ),
        (
            "no-match-allows",
            [config("no-match-policy: allow"), config("no-match-policy: allow, fail-on-empty-authorities: 'true'")],
            config("no-match-policy: warn"),
        ),
        ("oci11", [config("enable-oci11: 'true'"), config("enable-oci11: 'false'")], config("no-match-policy: deny")),
        (
            "unused-root",
            [by_key("") + &root("r", &good), logged("r") + &root("r", &good) + &root("s", &good)],
            logged("r") + &root("r", &good),
        ),
        (
            "several-in-root",
            [
                logged("r") + &root("r", &format!("timestampAuthorities: [{CLOCK}, {CLOCK}]")),
                logged("r") + &root("r", &format!("{good}, tLogs: [{LOG}, {LOG}]")),
            ],
            logged("r") + &root("r", &format!("{good}, tLogs: [{LOG}]")),
        ),
    ]
}

#[test]
fn each_rule_fires_where_it_must_and_only_there() {
    for (rule, firing, quiet) in table() {
        for text in firing {
            assert!(fires(rule, &text), "{rule} finds nothing in:\n{text}\n{:#?}", look(&[&text]));
        }
        assert!(!fires(rule, &quiet), "{rule} finds something in:\n{quiet}\n{:#?}", look(&[&quiet]));
    }
}

#[test]
fn no_rule_is_without_a_case() {
    let tried: BTreeSet<&str> = table().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(tried, RULES.iter().map(|rule| rule.id).collect());
}

#[test]
fn policy_that_says_what_it_means_has_no_finding() {
    let text =
        document("p", &format!("images: [{{glob: 'ghcr.io/acme/app@*'}}], authorities: [{{name: team, {}}}]", *KEY));
    assert_eq!(look(&[&text]), []);
}

#[test]
fn dead_globs_come_with_one_that_lives() {
    for (glob, hint) in [
        ("ghcr.io/acme/app:v1.*", "write `ghcr.io/acme/app@*`"),
        ("ghcr.io/acme/app", "write `ghcr.io/acme/app@*`"),
        ("docker.io/library/nginx", "write `index.docker.io/library/nginx@*`"),
        ("acme/app@*", "write `index.docker.io/acme/app@*`"),
        ("nginx", "write `index.docker.io/library/nginx@*`"),
    ] {
        let found = look(&[&globs(glob)]);
        let dead = found.iter().find(|found| found.rule().id == "dead-glob").unwrap_or_else(|| panic!("{glob}"));
        assert_eq!(dead.hint(), hint, "{glob}");
        let better = hint.split('`').nth(1).unwrap();
        assert!(!fires("dead-glob", &globs(better)), "{better}");
    }
}
