//! Any policy.json imported, and any policies exported, let in nothing that the other side refuses.

use std::{collections::BTreeMap, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use keys::PrivateKey;
use policy::import::{ContainerPolicy, container_policy, export};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

use crate::{
    loading::{admits, load, named},
    writing::{by_key, document, image, key, no_match, set},
};

static KEYS: LazyLock<[PrivateKey; 2]> = LazyLock::new(|| [key(), key()]);

/// An image, as it is asked for: the repository, and the tag unless it is asked for by digest.
#[derive(Debug, Clone, Copy)]
struct Asked {
    host: &'static str,
    path: &'static str,
    tag: Option<&'static str>,
}

impl Asked {
    fn name(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    fn written(&self) -> String {
        match self.tag {
            Some(tag) => format!("{}:{tag}", self.name()),
            None => format!("{}@{}", self.name(), image().digest()),
        }
    }
}

/// A signature: by this key, under this name.
type Signed = (usize, String);

/// What containers/image decides, by its manual: the most specific scope, and all of its requirements.
fn theirs(policy: &Value, asked: &Asked, signed: &[Signed]) -> bool {
    let name = asked.name();
    let mut scopes = vec![asked.written()];
    scopes.extend(name.match_indices('/').map(|(at, _)| name[..at].to_owned()).chain([name.clone()]).rev());
    scopes.extend(asked.host.match_indices('.').map(|(at, _)| format!("*{}", &asked.host[at..])));
    scopes.push(String::new());
    let docker = &policy["transports"]["docker"];
    let list = scopes.iter().find_map(|scope| docker.get(scope.as_str())).unwrap_or(&policy["default"]);
    list.as_array().expect("a list").iter().all(|requirement| match requirement["type"].as_str() {
        Some("insecureAcceptAnything") => true,
        Some("sigstoreSigned") => {
            let keys =
                requirement["keyDatas"].as_array().cloned().unwrap_or_else(|| vec![requirement["keyData"].clone()]);
            let identity = &requirement["signedIdentity"];
            signed.iter().any(|(by, name)| keys.contains(&json!(encoded(*by))) && their_name(identity, asked, name))
        }
        _ => false,
    })
}

/// Whether a name counts in a signature.
fn their_name(identity: &Value, asked: &Asked, signed: &str) -> bool {
    let repository = |name: &str| {
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        name[last..].find(':').map_or(name.to_owned(), |colon| name[..last + colon].to_owned())
    };
    let matches = |name: &str| match asked.tag {
        Some(tag) => signed == format!("{name}:{tag}"),
        None => signed != repository(signed) && repository(signed) == name,
    };
    let text = |field: &str| identity[field].as_str().expect("the field is there");
    match identity["type"].as_str() {
        None | Some("matchRepoDigestOrExact") => matches(&asked.name()),
        Some("matchExact") => asked.tag.is_some() && matches(&asked.name()),
        Some("matchRepository") => repository(signed) == asked.name(),
        Some("exactRepository") => repository(signed) == text("dockerRepository"),
        Some("exactReference") => signed == text("dockerReference"),
        Some("remapIdentity") => {
            let name = remapped(&asked.name(), (text("prefix"), text("signedPrefix")));
            // A name that is not written in full is an error.
            let full = |name: &str| name.strip_prefix("docker.io/").is_none_or(|path| path.contains('/'));
            full(&name) && name.contains('/') && matches(&name)
        }
        other => panic!("{other:?}"),
    }
}

fn remapped(name: &str, (prefix, signed): (&str, &str)) -> String {
    match name.strip_prefix(prefix) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{signed}{rest}"),
        _ => name.to_owned(),
    }
}

fn encoded(key: usize) -> String {
    BASE64_STANDARD.encode(KEYS[key].public().to_pem())
}

fn requirement() -> impl Strategy<Value = Value> {
    let remap = |(from, to)| json!({"type": "remapIdentity", "prefix": from, "signedPrefix": to});
    let mut identities = vec![
        Value::Null,
        json!({"type": "matchRepoDigestOrExact"}),
        json!({"type": "matchExact"}),
        json!({"type": "matchRepository"}),
        json!({"type": "exactRepository", "dockerRepository": "a.example.com/x"}),
        json!({"type": "exactReference", "dockerReference": "a.example.com/x:1"}),
    ];
    identities.extend(REMAPS.map(remap));
    let signed = |(key, identity): (usize, Value)| {
        let mut requirement = json!({"type": "sigstoreSigned", "keyData": encoded(key)});
        if !identity.is_null() {
            requirement["signedIdentity"] = identity;
        }
        requirement
    };
    let fixed = select(vec![json!({"type": "insecureAcceptAnything"}), json!({"type": "reject"})]);
    prop_oneof![1 => fixed, 3 => (0_usize..2, select(identities)).prop_map(signed)]
}

fn policy_json() -> impl Strategy<Value = Value> {
    let scopes = select(SCOPES.to_vec()).prop_map(str::to_owned);
    let docker = btree_map(scopes, vec(requirement(), 1..3), 0..6);
    (vec(requirement(), 1..2), docker)
        .prop_map(|(default, docker)| json!({"default": default, "transports": {"docker": docker}}))
}

/// Policies of ours, and what is done where none of them matches.
fn documents() -> impl Strategy<Value = Vec<String>> {
    let one = (subsequence(GLOBS.to_vec(), 1..3), select(kinds()));
    (vec(one, 1..5), any::<bool>()).prop_map(|(policies, allow)| {
        let text = |(at, (globs, spec)): (usize, (Vec<&str>, String))| {
            let globs: Vec<String> = globs.iter().map(|glob| format!("{{glob: '{glob}'}}")).collect();
            let text = document(&format!("p{at}"), &format!("images: [{}], {spec}", globs.join(", ")));
            match spec.contains("require") || spec.contains("signedName") {
                true => text
                    .replace("policy.sigstore.dev/v1beta1", "sealgate.dev/v1")
                    .replace("ClusterImagePolicy", "ImagePolicy"),
                false => text,
            }
        };
        let policies = policies.into_iter().enumerate().map(text);
        policies.chain(allow.then(|| no_match("allow"))).collect()
    })
}

/// What a policy may ask.
fn kinds() -> Vec<String> {
    let by = |key: usize, further: &str| by_key(&KEYS[key], further);
    let (a, b) = (by(0, ", name: a"), by(1, ", name: b"));
    let mut kinds = vec![
        "authorities: [{static: {action: pass}}]".to_owned(),
        "authorities: [{static: {action: fail}}]".to_owned(),
        format!("authorities: [{a}]"),
        format!("authorities: [{b}]"),
        format!("authorities: [{a}, {b}]"),
        format!("authorities: [{a}, {b}], require: {{threshold: {{min: 2, of: [a, b]}}}}"),
        format!("authorities: [{a}, {b}], require: {{threshold: {{min: 1, of: [a, b]}}}}"),
        format!("authorities: [{a}, {}], require: {{threshold: {{min: 2, of: [a, b]}}}}", by(0, ", name: b")),
        format!("authorities: [{a}, {b}], require: {{allOf: [{{authority: a}}, {{authority: b}}]}}"),
        format!(
            "authorities: [{a}, {b}, {{name: c, static: {{action: fail}}}}], \
             require: {{anyOf: [{{authority: a}}, {{allOf: [{{authority: b}}, {{authority: c}}]}}]}}"
        ),
        format!("authorities: [{}]", by(0, ", name: a, signedName: {}")),
        format!("authorities: [{}, {b}]", by(0, ", name: a, signedName: {}")),
    ];
    for (from, to) in REMAPS {
        let folder = format!("{{from: '{from}/', to: '{to}/'}}");
        let whole = format!("{folder}, {{from: '{from}', to: '{to}'}}");
        for remap in [folder, whole].into_iter().take(if from.contains('/') && to.contains('/') { 2 } else { 1 }) {
            kinds.push(format!("authorities: [{}]", by(0, &format!(", name: a, signedName: {{remap: [{remap}]}}"))));
        }
    }
    kinds
}

/// Signatures under the names that an image has, had, or should have.
fn signatures(asked: &Asked, by: &[(usize, usize)]) -> Vec<Signed> {
    let name = asked.name();
    let tag = asked.tag.unwrap_or("1");
    let mut names = vec![
        format!("{name}:{tag}"),
        name.clone(),
        format!("{name}:other"),
        "a.example.com/x:1".to_owned(),
        "a.example.com/x".to_owned(),
    ];
    names.extend(REMAPS.map(|remap| format!("{}:{tag}", remapped(&name, remap))));
    by.iter().map(|(key, at)| (*key, names[at % names.len()].clone())).collect()
}

fn by() -> impl Strategy<Value = Vec<(usize, usize)>> {
    vec((0_usize..2, 0_usize..5 + REMAPS.len()), 0..4)
}

fn ours(set: &policy::PolicySet, asked: &Asked, signed: &[Signed]) -> bool {
    admits(set, &asked.written(), signed.iter().map(|(key, name)| named(&KEYS[*key], name)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_import_lets_in_nothing_that_the_policy_json_refuses(policy in policy_json(), by in by()) {
        let (text, files) = (policy.to_string(), BTreeMap::new());
        let source = ContainerPolicy { name: "p", text: &text, files: &files, registries: None };
        let imported = container_policy(&source).expect("it is one");
        let set = load(&imported);
        for asked in IMAGES {
            let signed = signatures(&asked, &by);
            let (ours, theirs) = (ours(&set, &asked, &signed), theirs(&policy, &asked, &signed));
            prop_assert!(!ours || theirs, "{asked:?} by {signed:?}: {policy:#}");
            prop_assert!(ours == theirs || !imported.unsaid.is_empty(), "all is said: {asked:?} {signed:?} {policy:#}");
        }
    }

    #[test]
    fn an_export_lets_in_nothing_that_the_policies_refuse(documents in documents(), by in by()) {
        let set = set(&documents);
        let exported = export::container_policy(&set);
        let policy: Value = serde_json::from_str(&exported.text).expect("it is JSON");
        for asked in IMAGES {
            let signed = signatures(&asked, &by);
            let (ours, theirs) = (ours(&set, &asked, &signed), theirs(&policy, &asked, &signed));
            let text = &exported.text;
            prop_assert!(ours || !theirs, "{asked:?} by {signed:?}: {documents:?} {text}");
            // Names are compared there even where they are not here.
            let own = signed.iter().all(|(_, name)| name.starts_with(&format!("{}:", asked.name())));
            let comparable = own && !documents.iter().any(|text| text.contains("remap"));
            prop_assert!(!exported.unsaid.is_empty() || !comparable || ours == theirs, "all is said");
        }
    }
}

const IMAGES: [Asked; 9] = [
    Asked { host: "a.example.com", path: "x", tag: Some("1") },
    Asked { host: "a.example.com", path: "x", tag: None },
    Asked { host: "a.example.com", path: "x/y", tag: Some("1") },
    Asked { host: "a.example.com", path: "x/y/z", tag: None },
    Asked { host: "a.example.com", path: "xy", tag: Some("2") },
    Asked { host: "example.com", path: "x", tag: Some("1") },
    Asked { host: "docker.io", path: "library/x", tag: Some("1") },
    Asked { host: "localhost:5000", path: "x/y", tag: Some("1") },
    Asked { host: "localhost:5000", path: "x/y", tag: None },
];

/// What names begin with, and what they begin with where the image comes from.
const REMAPS: [(&str, &str); 4] = [
    ("a.example.com/x", "localhost:5000/x/y"),
    ("a.example.com", "docker.io"),
    ("docker.io", "example.com/hub"),
    ("localhost:5000/x", "docker.io/library"),
];

const SCOPES: [&str; 12] = [
    "",
    "*.com",
    "*.example.com",
    "*.docker.io",
    "a.example.com",
    "a.example.com/x",
    "a.example.com/x/y",
    "a.example.com/x:1",
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
