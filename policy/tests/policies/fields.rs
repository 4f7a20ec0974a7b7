//! Every field matters: changing one of those that are evaluated changes a verdict, and using one that cannot be
//! evaluated refuses what the policy matches.

use crate::writing::{
    bundle, by_key, document, evidence, image, key, legacy, matched, no_match, now, policy, set, stated,
};
use keys::PrivateKey;
use policy::{NotReady, PolicySet, Verdict};
use verifier::UntrustedSignature;

const PASS: &str = "{static: {action: pass}}";

fn verdict(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> Verdict {
    matched(set).decide(&evidence(set, signatures), now()).expect("the evidence is complete")
}

fn allowed(set: &PolicySet, signatures: Vec<UntrustedSignature>) -> bool {
    matches!(verdict(set, signatures), Verdict::Allow(_))
}

#[test]
fn glob() {
    let with = |glob: &str| set(&[document("p", &format!("images: [{{glob: '{glob}'}}], authorities: [{PASS}]"))]);
    assert!(allowed(&with("ghcr.io/acme/app@*"), Vec::new()));
    assert!(!allowed(&with("ghcr.io/acme/app-evil@*"), Vec::new()));
    assert!(!allowed(&with("ghcr.io/acme/app"), Vec::new()));
    let two = "images: [{glob: 'x/**'}, {glob: '**'}], authorities: [{static: {action: pass}}]";
    assert!(allowed(&set(&[document("p", two)]), Vec::new()));
}

#[test]
fn key_data() {
    let (named, other) = (key(), key());
    let signed = || vec![legacy(&named, &image())];
    assert!(allowed(&set(&[policy("p", "enforce", &by_key(&named, ""))]), signed()));
    assert!(!allowed(&set(&[policy("p", "enforce", &by_key(&other, ""))]), signed()));
}

#[test]
fn signature_format() {
    let key = key();
    for (format, with_legacy, with_bundle) in [
        ("", true, true),
        (", signatureFormat: ''", true, true),
        (", signatureFormat: legacy", true, false),
        (", signatureFormat: bundle", false, true),
    ] {
        let set = set(&[policy("p", "enforce", &by_key(&key, format))]);
        assert_eq!(allowed(&set, vec![legacy(&key, &image())]), with_legacy, "{format}");
        assert_eq!(allowed(&set, vec![bundle(&key, &image())]), with_bundle, "{format}");
        assert!(allowed(&set, vec![bundle(&key, &image()), legacy(&key, &image())]), "{format}");
    }
    let set = set(&[policy("p", "enforce", &by_key(&key, ", signatureFormat: bundle"))]);
    let Verdict::Deny(denial) = verdict(&set, vec![legacy(&key, &image())]) else { panic!("allowed") };
    assert!(denial.headline().contains("has the legacy format, wanted bundle"), "{denial}");
}

#[test]
fn key_and_format_are_asked_of_one_signature() {
    let (named, other) = (key(), key());
    let authorities = [by_key(&named, ", signatureFormat: bundle"), by_key(&other, ", signatureFormat: bundle")];
    let only_first = set(&[policy("p", "enforce", &authorities[0]), document("q", &elsewhere(&authorities[1]))]);
    assert!(!allowed(&only_first, vec![legacy(&named, &image()), bundle(&other, &image())]));
    assert!(allowed(&only_first, vec![bundle(&named, &image())]));
}

fn elsewhere(authority: &str) -> String {
    format!("images: [{{glob: ghcr.io/other/*}}], authorities: [{authority}]")
}

#[test]
fn mode() {
    let authority = by_key(&key(), "");
    for (mode, allow) in [("warn", true), ("enforce", false), ("''", false)] {
        assert_eq!(allowed(&set(&[policy("p", mode, &authority)]), Vec::new()), allow, "{mode}");
    }
    let absent = format!("images: [{{glob: '**'}}], authorities: [{authority}]");
    assert!(!allowed(&set(&[document("p", &absent)]), Vec::new()));
}

#[test]
fn static_action_and_message() {
    assert!(allowed(&set(&[policy("p", "enforce", PASS)]), Vec::new()));
    let failing = set(&[policy("p", "enforce", "{static: {action: fail}}")]);
    let Verdict::Deny(silent) = verdict(&failing, Vec::new()) else { panic!("allowed") };
    assert!(silent.headline().ends_with("disallowed by static policy"), "{silent}");
    let failing = set(&[policy("p", "enforce", "{static: {action: fail, message: ask Ann}}")]);
    let Verdict::Deny(telling) = verdict(&failing, Vec::new()) else { panic!("allowed") };
    assert!(telling.headline().ends_with("disallowed by static policy: ask Ann"), "{telling}");
}

#[test]
fn no_match_policy() {
    let policy = document("p", &elsewhere(PASS));
    assert!(!allowed(&set(std::slice::from_ref(&policy)), Vec::new()));
    assert!(allowed(&set(&[policy, no_match("allow")]), Vec::new()));
}

#[test]
fn authority_name() {
    let key = key();
    let set = set(&[policy("p", "enforce", &by_key(&key, ", name: release team"))]);
    let Verdict::Deny(denial) = verdict(&set, Vec::new()) else { panic!("allowed") };
    assert!(denial.headline().contains("for authority release team for"), "{denial}");
}

#[test]
fn fields_that_cannot_be_evaluated_refuse_what_the_policy_matches() {
    let key = key();
    let plain = by_key(&key, "");
    let pem = key.public().to_pem().replace('\n', "\\n");
    let rows = [
        ("spec.authorities[0].keyless.ca-cert", CA_CERT.to_owned(), ""),
        ("spec.authorities[1].keyless.ca-cert", format!("{plain}, {CA_CERT}"), ""),
        ("spec.authorities[0].key.kms", "{key: {kms: 'hashivault://x'}}".to_owned(), ""),
        ("spec.authorities[0].key.hashAlgorithm", format!("{{key: {{data: \"{pem}\", hashAlgorithm: SHA224}}}}"), ""),
        ("spec.authorities[0].source[0].oci", by_key(&key, ", source: [{oci: 'ghcr.io'}]"), ""),
        ("spec.authorities[0].source[0].oci", by_key(&key, ", source: [{oci: 'localhost:5000'}]"), ""),
    ];
    for (path, authorities, further) in rows {
        let spec =
            |mode: &str| format!("images: [{{glob: '**'}}], mode: {mode}, authorities: [{authorities}]{further}");
        let enforcing = set(&[document("p", &spec("enforce")), policy("q", "enforce", PASS)]);
        let unready = enforcing.policies().next().unwrap().readiness().unwrap_err().clone();
        assert_eq!(unready, NotReady::Uses(vec![path.to_owned()]));
        let Verdict::Deny(denial) = verdict(&enforcing, vec![legacy(&key, &image())]) else { panic!("{path}") };
        let said = format!("uses {path}, which this version cannot evaluate");
        assert!(denial.headline().contains(&said), "{denial}");
        let Verdict::Allow(approval) = verdict(&set(&[document("p", &spec("warn"))]), Vec::new()) else {
            panic!("{path}")
        };
        assert!(approval.warnings()[0].details()[0].contains(&said), "{approval:?}");
        assert!(approval.met().is_empty());
    }
}

const CA_CERT: &str = "{keyless: {ca-cert: {data: x}, identities: [{issuer: a, subject: b}]}}";

#[test]
fn what_says_nothing_asks_nothing() {
    let key = key();
    let empty = by_key(&key, ", source: [], attestations: null, ctlog: null, rfc3161timestamp: ~, keyless: null");
    let spec = format!("images: [{{glob: '**'}}], match: [], policy: null, authorities: [{empty}]");
    let set = set(&[document("p", &spec)]);
    assert_eq!(set.policies().next().unwrap().readiness(), Ok(()));
    assert!(allowed(&set, vec![legacy(&key, &image())]));
}

/// A key with the hash it is to sign with, and with whatever else the authority asks for.
fn hashed(key: &PrivateKey, hash: &str, further: &str) -> String {
    let pem = key.public().to_pem().replace('\n', "\\n");
    format!("{{key: {{data: \"{pem}\", hashAlgorithm: {hash}}}{further}}}")
}

#[test]
fn key_hash_algorithm() {
    let (p256, ed25519) = (key(), PrivateKey::import(ED25519.as_bytes()).unwrap());
    for (hash, by_p256) in [("sha256", true), ("' SHA256 '", true), ("''", true), ("SHA384", false), ("sha512", false)]
    {
        for (key, wanted) in [(&p256, by_p256), (&ed25519, true)] {
            let set = set(&[policy("p", "enforce", &hashed(key, hash, ""))]);
            for signature in [legacy(key, &image()), bundle(key, &image())] {
                assert_eq!(allowed(&set, vec![signature]), wanted, "{hash}");
            }
        }
    }
    let set = set(&[policy("p", "enforce", &hashed(&p256, "sha512", ""))]);
    let Verdict::Deny(denial) = verdict(&set, vec![legacy(&p256, &image())]) else { panic!("allowed") };
    assert!(denial.headline().contains("is over SHA-256, wanted SHA-512"), "{denial}");
}

#[test]
fn key_hash_algorithm_of_attestations() {
    let key = key();
    let attested = ", attestations: [{name: a, predicateType: 'https://a.example/b'}]";
    let said = || vec![stated(&key, &image(), "https://a.example/b")];
    assert!(allowed(&set(&[policy("p", "enforce", &hashed(&key, "sha256", attested))]), said()));
    let set = set(&[policy("p", "enforce", &hashed(&key, "sha384", attested))]);
    let Verdict::Deny(denial) = verdict(&set, said()) else { panic!("allowed") };
    assert!(denial.headline().contains("is over SHA-256, wanted SHA-384"), "{denial}");
}

/// Made for this test alone.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

#[test]
fn a_policy_without_authorities_refuses_in_every_mode() {
    let lenient = no_match("allow").replace("{no-match", "{fail-on-empty-authorities: 'false', no-match");
    for spec in ["mode: warn", "mode: enforce", "mode: warn, authorities: []", "mode: warn, authorities: null"] {
        let spec = format!("images: [{{glob: '**'}}], {spec}");
        let set = set(&[lenient.clone(), document("p", &spec), policy("q", "enforce", PASS)]);
        let Verdict::Deny(denial) = verdict(&set, Vec::new()) else { panic!("{spec}") };
        assert!(denial.headline().contains("has no authorities"), "{denial}");
        assert!(matched(&set).could_not_decide("down", now()).is_none());
    }
}
