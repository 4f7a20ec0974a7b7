//! What is refused about an authority, one thing at a time, with upstream's words.

use crate::{
    validation::refusal,
    writing::{key, policy, set},
};

/// The only objection to a policy with these authorities; `@` stands for the first one's path.
pub(crate) fn authority_refusal(authorities: &str) -> String {
    let found = refusal(&policy("p", "enforce", authorities));
    assert_eq!(found.len(), 1, "{authorities}: {found:?}");
    let about = found[0].strip_prefix("validation failed: ").expect("is about contents");
    about.replace("spec.authorities[0]", "@")
}

fn assert_refused(rows: &[(&str, &str)]) {
    for (authority, wanted) in rows {
        let found = authority_refusal(authority);
        assert!(found.starts_with(wanted), "{authority}:\n{found}\nwanted\n{wanted}");
    }
}

#[test]
fn exactly_one_of_key_keyless_and_static() {
    assert_refused(&[
        ("{name: x}", "expected exactly one, got neither: @.key, @.keyless, @.static"),
        ("{key: null}", "expected exactly one, got neither: @.key, @.keyless, @.static"),
        (
            "{key: {kms: 'gcpkms://x'}, static: {action: pass}}",
            "expected exactly one, got both: @.key, @.keyless, @.static",
        ),
    ]);
}

#[test]
fn keys() {
    assert_refused(&[
        ("{key: {data: ''}}", "expected exactly one, got neither: @.key.data, @.key.kms, @.key.secretref"),
        (
            "{key: {kms: 'gcpkms://x', secretRef: {name: x}}}",
            "expected exactly one, got both: @.key.data, @.key.kms, @.key.secretref",
        ),
        ("{key: {kms: 'file://x'}}", "invalid value: file://x: @.key.kms"),
        ("{key: {secretRef: {}}}", "missing field(s): @.key.secretRef.name"),
        ("{key: {kms: 'gcpkms://x', hashAlgorithm: md5}}", "invalid value: md5: @.key.hashAlgorithm"),
        ("{key: {data: nonsense}}", "invalid value: nonsense: @.key.data"),
        ("{key: [x]}", "invalid type: a list found, wanted an object: @.key"),
        ("{key: {data: 5}}", "invalid type: a number found, wanted a string: @.key.data"),
    ]);
}

#[test]
fn static_answers_stand_alone() {
    assert_refused(&[
        ("{static: {}}", "missing field(s): @.static.action"),
        ("{static: {action: maybe}}", "invalid value: maybe: @.static.action"),
        ("{static: {action: pass}, ctlog: {}}", "expected exactly one, got both: @.ctlog, @.static"),
        ("{static: {action: pass}, source: [{oci: x}]}", "expected exactly one, got both: @.source, @.static"),
        (
            "{static: {action: pass}, rfc3161timestamp: {}}",
            "expected exactly one, got both: @.rfc3161timestamp, @.static",
        ),
        (
            "{static: {action: pass}, attestations: [{name: x, predicateType: z}]}",
            "expected exactly one, got both: @.attestations, @.static",
        ),
    ]);
}

#[test]
fn identities() {
    assert_refused(&[
        ("{keyless: {}}", "@.keyless.identities: Invalid value"),
        ("{keyless: {identities: []}}", "missing field(s): @.keyless.identities"),
        (
            "{keyless: {identities: [{issuer: a, subject: b}], url: x, ca-cert: {kms: 'gcpkms://x'}}}",
            "expected exactly one, got both: @.keyless.ca-cert, @.keyless.url",
        ),
        (
            "{keyless: {identities: [{issuer: a}]}}",
            "missing field(s): @.keyless.identities[0].subject, @.keyless.identities[0].subjectRegExp",
        ),
        (
            "{keyless: {identities: [{subject: a}]}}",
            "missing field(s): @.keyless.identities[0].issuer, @.keyless.identities[0].issuerRegExp",
        ),
        (
            "{keyless: {identities: [{issuer: a, issuerRegExp: b, subject: c}]}}",
            "expected exactly one, got both: @.keyless.identities[0].issuer, @.keyless.identities[0].issuerRegExp",
        ),
        (
            "{keyless: {identities: [{issuer: a, subjectRegExp: '('}]}}",
            "invalid value: (: @.keyless.identities[0].subjectRegExp: regex is invalid: unclosed group",
        ),
        ("{keyless: {identities: [{issuer: a, subject: b}], url: 'a b'}}", "invalid value: a b: @.keyless.url"),
    ]);
}

#[test]
fn what_goes_with_a_key_or_identity() {
    let rows = [
        ("source: [{oci: a}, {oci: b}]", "invalid value: 2: @.source: only single source is supported"),
        ("source: [{oci: 'https://x'}]", "invalid value: https://x: @.source[0].oci"),
        ("source: [{signaturePullSecrets: [{}]}]", "missing field(s): @.source[0].signaturePullSecrets[0].name"),
        ("signatureFormat: new", "invalid value: new: @.signatureFormat"),
        ("attestations: [{name: a}]", "missing field(s): @.attestations[0].predicateType"),
        ("attestations: [{predicateType: a}]", "missing field(s): @.attestations[0].name"),
        (
            "attestations: [{name: a, predicateType: b, policy: {type: cue, data: 'x: 1', includeSpec: true}}]",
            "must not set the field(s): @.attestations[0].policy.includeSpec",
        ),
        (
            "attestations: [{name: a, predicateType: b, policy: {type: cue}}]",
            "expected exactly one, got neither: @.attestations[0].policy.configMapRef",
        ),
    ];
    for (further, wanted) in rows {
        assert_refused(&[(&format!("{{key: {{kms: 'gcpkms://x'}}, {further}}}"), wanted)]);
    }
}

#[test]
fn several_keys_in_one_text_are_refused() {
    let two = format!("{}{}", key().public().to_pem(), key().public().to_pem()).replace('\n', "\\n");
    let found = authority_refusal(&format!("{{key: {{data: \"{two}\"}}}}"));
    assert!(found.ends_with("@.key.data: 2 keys found, wanted exactly one"), "{found}");
}

#[test]
fn names_are_distinct_the_given_and_the_default() {
    for names in [
        "{name: a, static: {action: pass}}, {name: a, static: {action: fail}}",
        "{name: authority-1, static: {action: pass}}, {static: {action: fail}}",
    ] {
        let found = authority_refusal(names);
        assert!(found.contains("spec.authorities[1].name: another authority has this name"), "{found}");
    }
    set(&[policy("p", "enforce", "{name: authority-2, static: {action: pass}}, {static: {action: fail}}")]);
}

#[test]
fn unknown_fields_are_refused_at_every_depth() {
    let rows = [
        ("{static: {action: pass, x: 1}}", "@.static.x"),
        ("{static: {action: pass}, tlog: {}}", "@.tlog"),
        ("{key: {kms: 'gcpkms://x', secretref: {name: x}}}", "@.key.secretref"),
        ("{key: {secretRef: {name: x, key: y}}}", "@.key.secretRef.key"),
        ("{keyless: {identities: [{issuer: a, subject: b, c: d}]}}", "@.keyless.identities[0].c"),
        ("{keyless: {identities: [{issuer: a, subject: b}]}, ctlog: {x: 1}}", "@.ctlog.x"),
    ];
    for (authority, path) in rows {
        assert_eq!(authority_refusal(authority), format!("unknown field: {path}"));
    }
}
