//! Any policy.json imported, and any policies exported, let in nothing that the other side refuses.

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use policy::import::{ContainerPolicy, SignedNames, container_policy, export};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

use crate::{
    loading::{admits_signed, load},
    writing::{by_key, document, key, no_match, set},
};

static KEYS: LazyLock<[PrivateKey; 2]> = LazyLock::new(|| [key(), key()]);

/// What containers/image decides, by its manual: the most specific scope, and all of its requirements.
fn theirs(policy: &Value, host: &str, path: &str, by: &[usize]) -> bool {
    let name = format!("{host}/{path}");
    let mut scopes = vec![format!("{name}:latest")];
    scopes.extend(name.match_indices('/').map(|(at, _)| name[..at].to_owned()).chain([name.clone()]).rev());
    scopes.extend(host.match_indices('.').map(|(at, _)| format!("*{}", &host[at..])));
    scopes.push(String::new());
    let docker = &policy["transports"]["docker"];
    let list = scopes.iter().find_map(|scope| docker.get(scope.as_str())).unwrap_or(&policy["default"]);
    list.as_array().expect("a list").iter().all(|requirement| match requirement["type"].as_str() {
        Some("insecureAcceptAnything") => true,
        Some("sigstoreSigned") => {
            let keys =
                requirement["keyDatas"].as_array().cloned().unwrap_or_else(|| vec![requirement["keyData"].clone()]);
            by.iter().any(|at| keys.contains(&json!(encoded(*at))))
        }
        _ => false,
    })
}

fn encoded(key: usize) -> String {
    BASE64_STANDARD.encode(KEYS[key].public().to_pem())
}

fn requirement() -> impl Strategy<Value = Value> {
    let signed = |key| json!({"type": "sigstoreSigned", "keyData": encoded(key)});
    select(vec![json!({"type": "insecureAcceptAnything"}), json!({"type": "reject"}), signed(0), signed(1)])
}

fn policy_json() -> impl Strategy<Value = Value> {
    let scopes = select(SCOPES.to_vec()).prop_map(str::to_owned);
    let docker = btree_map(scopes, vec(requirement(), 1..3), 0..6);
    (vec(requirement(), 1..2), docker)
        .prop_map(|(default, docker)| json!({"default": default, "transports": {"docker": docker}}))
}

/// Policies of ours, and what is done where none of them matches.
fn documents() -> impl Strategy<Value = Vec<String>> {
    let one = (subsequence(GLOBS.to_vec(), 1..3), select(vec![0_usize, 1, 2, 3]));
    (vec(one, 1..5), any::<bool>()).prop_map(|(policies, allow)| {
        let text = |(at, (globs, kind)): (usize, (Vec<&str>, usize))| {
            let globs: Vec<String> = globs.iter().map(|glob| format!("{{glob: '{glob}'}}")).collect();
            let authority = match kind {
                2 => "{static: {action: pass}}".to_owned(),
                3 => "{static: {action: fail}}".to_owned(),
                key => by_key(&KEYS[key], ""),
            };
            document(&format!("p{at}"), &format!("images: [{}], authorities: [{authority}]", globs.join(", ")))
        };
        let policies = policies.into_iter().enumerate().map(text);
        policies.chain(allow.then(|| no_match("allow"))).collect()
    })
}

fn signers(by: &[usize]) -> Vec<&'static PrivateKey> {
    by.iter().map(|at| &KEYS[*at]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_import_lets_in_nothing_that_the_policy_json_refuses(policy in policy_json()) {
        let (text, files) = (policy.to_string(), BTreeMap::new());
        let names = SignedNames::GivenUp;
        let source = ContainerPolicy { name: "p", text: &text, files: &files, registries: None, names };
        let set = load(&container_policy(&source).expect("it is one"));
        for (host, path) in IMAGES {
            for by in BY {
                let ours = admits_signed(&set, &format!("{host}/{path}"), &signers(by));
                prop_assert!(!ours || theirs(&policy, host, path, by), "{host}/{path} by {by:?}: {policy:#}");
            }
        }
    }

    #[test]
    fn an_export_lets_in_nothing_that_the_policies_refuse(documents in documents()) {
        let set = set(&documents);
        let exported = export::container_policy(&set);
        let policy: Value = serde_json::from_str(&exported.text).expect("it is JSON");
        for (host, path) in IMAGES {
            for by in BY {
                let ours = admits_signed(&set, &format!("{host}/{path}"), &signers(by));
                let text = &exported.text;
                prop_assert!(ours || !theirs(&policy, host, path, by), "{host}/{path} by {by:?}: {documents:?} {text}");
                prop_assert!(!exported.unsaid.is_empty() || ours == theirs(&policy, host, path, by), "all is said");
            }
        }
    }
}

const BY: [&[usize]; 4] = [&[], &[0], &[1], &[0, 1]];

const IMAGES: [(&str, &str); 7] = [
    ("a.example.com", "x"),
    ("a.example.com", "x/y"),
    ("a.example.com", "x/y/z"),
    ("a.example.com", "xy"),
    ("example.com", "x"),
    ("docker.io", "library/x"),
    ("localhost:5000", "x/y"),
];

const SCOPES: [&str; 12] = [
    "",
    "*.com",
    "*.example.com",
    "*.docker.io",
    "a.example.com",
    "a.example.com/x",
    "a.example.com/x/y",
    "a.example.com/x:latest",
    "a.example.com/x/y:other",
    "docker.io",
    "docker.io/library",
    "localhost:5000/x",
];

const GLOBS: [&str; 14] = [
    "**",
    "*",
    "*.example.com/**",
    "a.example.com/**",
    "a.example.com/x@*",
    "a.example.com/x/**",
    "a.example.com/x*",
    "a.example.com/x/y@*",
    "a.example.com/x/y/**",
    "a.example.com/*/y@*",
    "index.docker.io/**",
    "index.docker.io/library/*",
    "localhost:5000/x/y@*",
    "localhost:5000/x/y/**",
];
