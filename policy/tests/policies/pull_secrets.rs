//! Credentials in Secrets among the files, for the lookup of signatures.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci::Repository;
use policy::{Login, NotReady, PolicySet};

use crate::{
    validation::refusal,
    writing::{by_key, key, matched, policy, set},
};

const JSON: &str = "type: kubernetes.io/dockerconfigjson";
const CFG: &str = "type: kubernetes.io/dockercfg";

/// A policy with one authority that names these Secrets.
fn naming(secrets: &[&str]) -> String {
    let names: Vec<String> = secrets.iter().map(|name| format!("{{name: {name}}}")).collect();
    let source = format!(", source: [{{oci: ghcr.io/acme/signatures, signaturePullSecrets: [{}]}}]", names.join(", "));
    policy("p", "enforce", &by_key(&key(), &source))
}

fn secret(metadata: &str, fields: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{{metadata}}}\n{fields}\n")
}

/// Fields of a Secret with these `auths`.
fn auths(auths: &str) -> String {
    let text = format!(r#"{{"auths":{auths},"credsStore":"ignored"}}"#);
    format!("{JSON}\ndata: {{.dockerconfigjson: {}}}", BASE64_STANDARD.encode(text))
}

fn entry(user: &str) -> String {
    format!(r#"{{"auth":"{}","email":"a@b.example"}}"#, BASE64_STANDARD.encode(format!("{user}:hunter2")))
}

/// The credential with which the one inquiry looks into this repository.
fn login(set: &PolicySet, repository: &str) -> Option<Login> {
    let repository: Repository = repository.parse().expect("is a repository");
    let matched = matched(set);
    let mut inquiries = matched.inquiries();
    let (Some(inquiry), None) = (inquiries.next(), inquiries.next()) else { panic!("not one inquiry") };
    inquiry.login(&repository).cloned()
}

fn user(set: &PolicySet, repository: &str) -> Option<String> {
    login(set, repository).map(|login| match login {
        Login::Password { user, password } if *password == "hunter2" => user,
        _ => panic!("another credential"),
    })
}

fn unready(set: &PolicySet) -> NotReady {
    set.policies().next().expect("there is a policy").readiness().expect_err("it is not ready").clone()
}

#[test]
fn every_form_of_pull_secret_gives_its_credential() {
    let map = format!(r#"{{"ghcr.io":{}}}"#, entry("robot"));
    let fields = r#"{"ghcr.io":{"username":"robot","password":"hunter2"}}"#;
    for held in [
        auths(&map),
        auths(fields),
        format!("{JSON}\nstringData: {{.dockerconfigjson: '{{\"auths\":{map}}}'}}\ndata: {{.dockerconfigjson: '%'}}"),
        format!("{CFG}\nimmutable: true\ndata: {{.dockercfg: {}}}", BASE64_STANDARD.encode(&map)),
        format!("{CFG}\nstringData: {{.dockercfg: '{map}'}}"),
    ] {
        let set = set(&[naming(&["pull"]), secret("name: pull", &held)]);
        assert_eq!(set.policies().next().expect("there is a policy").readiness(), Ok(()), "{held}");
        assert_eq!(user(&set, "ghcr.io/acme/signatures").as_deref(), Some("robot"), "{held}");
        assert_eq!(user(&set, "quay.io/acme/signatures"), None, "{held}");
    }
}

#[test]
fn tokens_go_before_passwords() {
    let held = |token: &str| auths(&format!(r#"{{"ghcr.io":{{"username":"u","password":"p",{token}}}}}"#));
    let found = |token: &str| login(&set(&[naming(&["pull"]), secret("name: pull", &held(token))]), "ghcr.io/a/b");
    assert!(matches!(found(r#""identitytoken":"t""#), Some(Login::IdentityToken(t)) if *t == "t"));
    let both = r#""identitytoken":"t","registrytoken":"r""#;
    assert!(matches!(found(both), Some(Login::RegistryToken(t)) if *t == "r"));
    assert!(matches!(found(r#""identitytoken":"""#), Some(Login::Password { .. })));
}

#[test]
fn of_several_keys_the_one_that_says_more_counts_and_of_equal_ones_the_first_secret_s() {
    let first = auths(&format!(r#"{{"*.io":{},"ghcr.io":{}}}"#, entry("any"), entry("host")));
    let second = auths(&format!(r#"{{"ghcr.io/acme":{},"ghcr.io":{}}}"#, entry("folder"), entry("late")));
    let set = set(&[naming(&["a", "b"]), secret("name: a", &first), secret("name: b", &second)]);
    for (repository, wanted) in [("ghcr.io/acme/x", "folder"), ("ghcr.io/other", "host"), ("quay.io/x", "any")] {
        assert_eq!(user(&set, repository).as_deref(), Some(wanted), "{repository}");
    }
    assert_eq!(user(&set, "ghcr.example/x"), None);
}

#[test]
fn secret_that_is_not_there_gives_nothing_and_the_policy_is_ready() {
    for secrets in [vec![], vec![secret("name: b", &auths(&format!(r#"{{"ghcr.io":{}}}"#, entry("robot"))))]] {
        let found = (!secrets.is_empty()).then_some("robot");
        let files: Vec<String> =
            [naming(if found.is_some() { &["a", "b"] } else { &["a"] })].into_iter().chain(secrets).collect();
        let set = set(&files);
        assert_eq!(set.policies().next().expect("there is a policy").readiness(), Ok(()));
        assert_eq!(user(&set, "ghcr.io/acme/signatures").as_deref(), found);
    }
}

#[test]
fn secret_that_is_no_pull_secret_makes_the_policy_not_ready_and_is_not_quoted() {
    let good = auths(&format!(r#"{{"ghcr.io":{}}}"#, entry("robot")));
    let colonless = BASE64_STANDARD.encode("hunter2");
    let rows = [
        (good.replace(JSON, "type: Opaque"), "is no pull secret: wanted the type kubernetes.io/dockerconfigjson"),
        (good.replace(JSON, ""), "is no pull secret"),
        (good.replace(JSON, CFG), "has no entry `.dockercfg`"),
        (format!("{JSON}\ndata: {{}}"), "has no entry `.dockerconfigjson`"),
        (format!("{JSON}\ndata: {{.dockerconfigjson: '%%%'}}"), "has no base64 in its entry `.dockerconfigjson`"),
        (format!("{JSON}\nstringData: {{.dockerconfigjson: hunter2}}"), "holds no Docker config: line 1, column 1"),
        (format!("{JSON}\nstringData: {{.dockerconfigjson: '{{}}'}}"), "holds no Docker config: line 1"),
        (auths(r#""hunter2""#), "holds no Docker config: line 1"),
        (auths(r#"{"ghcr.io":"hunter2"}"#), "holds no Docker config: line 1"),
        (auths("{}"), "holds no credential"),
        (auths(r#"{"ghcr.io":{}}"#), "holds no credential"),
        (auths(r#"{"ghcr.io":null}"#), "holds no credential"),
        (auths(r#"{"ghcr.io":{"auth":"hunter2!"}}"#), "holds a broken entry `ghcr.io`: `auth` is not base64"),
        (auths(r#"{"ghcr.io":{"auth":"/w=="}}"#), "holds a broken entry `ghcr.io`: `auth` is not text"),
        (auths(&format!(r#"{{"ghcr.io":{{"auth":"{colonless}"}}}}"#)), "`auth` is not `user:password`"),
        (
            auths(&format!(r#"{{"https:///v1/":{}}}"#, entry("x"))),
            "holds a broken entry `https:///v1/`: it names no registry",
        ),
    ];
    for (held, words) in rows {
        let why = unready(&set(&[naming(&["pull"]), secret("name: pull", &held)])).to_string();
        let field = "spec.authorities[0].source[0].signaturePullSecrets[0].name";
        assert!(why.starts_with(&format!("cannot use what {field} refers to: Secret pull ")), "{why}");
        assert!(why.contains(words) && !why.contains("hunter2"), "{why}, wanted {words}");
    }
}

#[test]
fn of_two_secrets_of_one_name_the_controller_s_counts() {
    let held = |user: &str| auths(&format!(r#"{{"ghcr.io":{}}}"#, entry(user)));
    let other = secret("name: pull, namespace: shop", &held("other"));
    let own = secret("name: pull, namespace: cosign-system", &held("own"));
    let set = set(&[naming(&["pull"]), other.clone(), own]);
    assert_eq!(user(&set, "ghcr.io/acme/x").as_deref(), Some("own"));
    let third = secret("name: pull, namespace: till", &held("third"));
    let found = refusal(&[naming(&["pull"]), other, third].join("---\n"));
    assert!(found.len() == 1 && found[0].starts_with("Secret `pull` found in the namespaces shop, till"), "{found:?}");
}

#[test]
fn authorities_share_an_inquiry_only_if_their_secrets_hold_the_same() {
    let held = |user: &str| auths(&format!(r#"{{"ghcr.io":{}}}"#, entry(user)));
    let two = |first: &str, second: &str| {
        let by = |secrets: &str| by_key(&key(), &format!(", source: [{{oci: ghcr.io/acme/s{secrets}}}]"));
        policy("p", "enforce", &format!("{}, {}", by(first), by(second)))
    };
    let naming = |name: &str| format!(", signaturePullSecrets: [{{name: {name}}}]");
    let of = |policy: String| {
        let secrets = [("a", "robot"), ("b", "robot"), ("c", "other")].into_iter();
        let used = secrets.filter(|(name, _)| policy.contains(&format!("{{name: {name}}}")));
        let files: Vec<String> = used.map(|(name, user)| secret(&format!("name: {name}"), &held(user))).collect();
        let set = set(&[vec![policy], files].concat());
        let matched = matched(&set);
        matched.inquiries().map(|inquiry| *inquiry.fingerprint()).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(of(two(&naming("a"), &naming("b"))), 1);
    assert_eq!(of(two(&naming("a"), &naming("c"))), 2);
    assert_eq!(of(two(&naming("a"), "")), 2);
    assert_eq!(of(two(&naming("absent"), "")), 1);
}

#[test]
fn nothing_of_a_secret_is_shown_with_the_policies() {
    let held = auths(&format!(r#"{{"ghcr.io":{}}}"#, entry("robot")));
    let set = set(&[naming(&["pull"]), secret("name: pull", &held)]);
    let shown = format!("{set:?} {:?}", matched(&set).inquiries().collect::<Vec<_>>());
    assert!(shown.contains("acme/signatures"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("robot") && !shown.contains(&held[60..]), "{shown}");
}

#[test]
fn messages_show_no_line_of_a_file_that_holds_a_secret() {
    let held = format!("{JSON}\nstringData: {{.dockerconfigjson: hunter2}}");
    let whole = [naming(&["pull"]), secret("name: pull", &held)].join("---\n");
    let rows = [
        whole.replace("json: hunter2}", "json: 5, other: hunter2}"),
        whole.replace("hunter2}", "hunter2"),
        whole.replace("hunter2}", "hunter2}, more: 1}"),
        whole.replace("stringData: ", "stringdata: "),
        whole.replace("name: pull", "nom: pull"),
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{},"stringData":{"a":"hunter2"}}"#.to_owned(),
        "{apiVersion: v1, kind: SecretList, items: [{data: {a: hunter2}}]}".to_owned(),
    ];
    for text in rows {
        let errors = PolicySet::parse(&[("p.yaml".to_owned(), text.clone())]).expect_err(&text).to_string();
        assert!(!errors.contains("hunter2") && errors.contains("p.yaml:"), "{errors}");
    }
    let shown = naming(&["pull"]).replace("mode: enforce", "mode: hunter2");
    let errors = PolicySet::parse(&[("p.yaml".to_owned(), shown)]).expect_err("the mode is wrong").to_string();
    assert!(errors.contains("| spec: "), "{errors}");
}
