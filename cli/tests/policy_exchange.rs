//! `sealgate policy import` and `export`: beside the library that Podman and Skopeo judge with, and as commands.

use std::{fs, path::Path};

use peers::{Client, Cosign, Format, KeyPair, Outcome, Registry, push_image};

/// A registry with images that two keys have signed or not, and whoever judges them.
struct World {
    registry: Registry,
    client: Client,
    cosign: Cosign,
    team: KeyPair,
    other: KeyPair,
}

impl World {
    fn new() -> Self {
        let registry = Registry::sealgate(PROGRAM, &[]);
        let (cosign, client) = (Cosign::v2(), Client::new());
        let team = cosign.generate_key_pair(&client.home().join("team"), "");
        let other = cosign.generate_key_pair(&client.home().join("other"), "");
        for (name, keys) in IMAGES {
            let digest = push_image(&registry, &format!("{name}:1"), name);
            let image = format!("{}/{name}@{digest}", registry.address());
            for key in keys.iter().map(|key| if *key == "team" { &team } else { &other }) {
                let _ = cosign.sign(Format::Legacy, key, &image, &[]).success();
            }
        }
        let world = Self { registry, client, cosign, team, other };
        world.write("registries.d/all.yaml", "default-docker: {use-sigstore-attachments: true}\n");
        world
    }

    /// An image that the team signed under this name; its digest.
    fn sign_as(&self, name: &str, signed: &str) -> String {
        let digest = push_image(&self.registry, &format!("{name}:1"), name);
        let (host, signed) = (self.registry.address(), format!("{}/{signed}", self.registry.address()));
        let image = format!("{host}/{name}@{digest}");
        let _ = self.cosign.sign_as(&self.team, &image, &signed).success();
        digest.to_string()
    }

    /// A signed image under another name, with the signature that it had under the first.
    fn copy(&self, from: &str, to: &str) {
        let at = |name: &str| format!("{}/{name}", self.registry.address());
        let digest = self.client.run("crane", ["digest", &at(&format!("{from}:1"))]).success();
        let signature = digest.trim().replace(':', "-") + ".sig";
        for tag in ["1", &signature] {
            let _ = self
                .client
                .run("crane", ["copy", &at(&format!("{from}:{tag}")), &at(&format!("{to}:{tag}"))])
                .success();
        }
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.client.home().join(name);
        fs::create_dir_all(path.parent().expect("it lies in the home")).expect("a temporary folder can be written");
        fs::write(&path, text).expect("a temporary folder can be written");
        path.display().to_string()
    }

    fn sealgate(&self, args: &[&str]) -> Outcome {
        self.client.run(PROGRAM, args)
    }

    /// The image of this name, with the usual tag unless it has a digest.
    fn image(&self, name: &str) -> String {
        let tag = if name.contains('@') { "" } else { ":1" };
        format!("{}/{name}{tag}", self.registry.address())
    }

    /// Whether containers/image lets the image in by this policy.json.
    fn their(&self, policy: &str, name: &str) -> bool {
        let registries = self.client.home().join("registries.d").display().to_string();
        let image = self.image(name);
        let outcome = self.client.run(PEER, [policy, &registries, &image]);
        assert!(outcome.code <= 1, "{name}: {outcome:?}");
        outcome.code == 0
    }

    /// Whether the image is let in by these policies.
    fn check(&self, policies: &str, name: &str) -> bool {
        let image = self.image(name);
        let outcome = self.sealgate(&["check", "--policy", policies, &image]);
        assert!(outcome.code <= 1, "{name}: {outcome:?}");
        outcome.code == 0
    }
}

#[test]
fn an_export_decides_there_as_the_policies_do_here() {
    peers::require!("cosign-2", "crane", PEER);
    let world = World::new();
    let host = world.registry.address();
    let policies = [
        policy("team", &[&format!("{host}/team@*"), &format!("{host}/team/**")], &key(&world.team)),
        policy("open", &[&format!("{host}/open@*"), &format!("{host}/open/**")], "static: {action: pass}"),
        policy("evil", &[&format!("{host}/open/evil@*"), &format!("{host}/open/evil/**")], "static: {action: fail}"),
    ];
    let ours = world.write("ours.yaml", &policies.join("---\n"));
    let exported = world.sealgate(&["policy", "export", &ours]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let theirs = world.write("policy.json", &exported.stdout);
    let mut letting_in = Vec::new();
    for (name, _) in IMAGES {
        let (ours, theirs) = (world.check(&ours, name), world.their(&theirs, name));
        assert_eq!(ours, theirs, "{name}");
        letting_in.extend(ours.then_some(name));
    }
    assert_eq!(letting_in, ["team/app", "team/both", "team/deep/app", "open/app"]);
    world.copy("team/app", "team/copied");
    assert!(world.check(&ours, "team/copied"));
    assert!(!world.their(&theirs, "team/copied"), "the name in the signature is another");
}

#[test]
fn an_import_decides_here_as_the_policy_json_does_there() {
    peers::require!("cosign-2", "crane", PEER);
    let world = World::new();
    let host = world.registry.address();
    let signed = format!(
        r#"{{"type": "sigstoreSigned", "keyPath": "{}", "signedIdentity": {{"type": "matchRepository"}}}}"#,
        world.team.public.display()
    );
    let theirs = world.write(
        "policy.json",
        &format!(
            r#"{{"default": [{{"type": "reject"}}], "transports": {{"docker": {{
                "{host}/team": [{signed}],
                "{host}/open": [{{"type": "insecureAcceptAnything"}}],
                "{host}/open/evil": [{{"type": "reject"}}]}}}}}}"#
        ),
    );
    let registries = world.client.home().join("registries.d").display().to_string();
    let ours = world.client.home().join("ours.yaml").display().to_string();
    let imported = world.sealgate(&["policy", "import", "--registries-d", &registries, "-o", &ours, &theirs]);
    assert_eq!(imported.code, 0, "{imported:?}");
    world.copy("team/app", "team/copied");
    let mut letting_in = Vec::new();
    for name in IMAGES.iter().map(|(name, _)| *name).chain(["team/copied"]) {
        let (ours, theirs) = (world.check(&ours, name), world.their(&theirs, name));
        assert_eq!(ours, theirs, "{name}");
        letting_in.extend(ours.then_some(name));
    }
    assert_eq!(letting_in, ["team/app", "team/both", "team/deep/app", "open/app"]);
}

#[test]
fn signed_names_are_compared_here_as_there() {
    peers::require!("cosign-2", "crane", PEER);
    let world = World::new();
    let host = world.registry.address();
    world.copy("team/app", "team/copied");
    let mut names: Vec<String> = ["team/app", "team/copied", "team/unsigned"].map(str::to_owned).to_vec();
    for (name, signed) in
        [("team/tagged", "team/tagged:1"), ("team/retagged", "team/retagged:2"), ("mirror/app", "team/app:1")]
    {
        let digest = world.sign_as(name, signed);
        names.extend([name.to_owned(), format!("{name}@{digest}")]);
    }
    for (identity, wanted) in [
        (String::new(), vec!["team/tagged", "team/tagged@", "team/retagged@"]),
        (r#"{"type": "matchExact"}"#.to_owned(), vec!["team/tagged"]),
        (
            r#"{"type": "matchRepository"}"#.to_owned(),
            vec!["team/app", "team/tagged", "team/tagged@", "team/retagged", "team/retagged@"],
        ),
        (
            format!(r#"{{"type": "exactRepository", "dockerRepository": "{host}/team/app"}}"#),
            vec!["team/app", "team/copied", "mirror/app", "mirror/app@"],
        ),
        (
            format!(r#"{{"type": "exactReference", "dockerReference": "{host}/team/app:1"}}"#),
            vec!["mirror/app", "mirror/app@"],
        ),
        (
            format!(r#"{{"type": "remapIdentity", "prefix": "{host}/mirror", "signedPrefix": "{host}/team"}}"#),
            vec!["team/tagged", "team/tagged@", "team/retagged@", "mirror/app", "mirror/app@"],
        ),
    ] {
        let identity = if identity.is_empty() { identity } else { format!(r#", "signedIdentity": {identity}"#) };
        let key = world.team.public.display();
        let theirs = world.write(
            "policy.json",
            &format!(r#"{{"default": [{{"type": "sigstoreSigned", "keyPath": "{key}"{identity}}}]}}"#),
        );
        let ours = world.client.home().join("ours.yaml").display().to_string();
        let imported = world.sealgate(&["policy", "import", "-o", &ours, &theirs]);
        assert_eq!(imported.code, 0, "{imported:?}");
        let mut letting_in = Vec::new();
        for name in &names {
            let (ours, theirs) = (world.check(&ours, name), world.their(&theirs, name));
            assert_eq!(ours, theirs, "{identity}: {name}");
            letting_in.extend(ours.then(|| name.split_inclusive('@').next().unwrap_or_default()));
        }
        assert_eq!(letting_in, wanted, "{identity}");
    }
}

#[test]
fn an_export_counts_and_compares_names_there_as_the_policy_does_here() {
    peers::require!("cosign-2", "crane", PEER);
    let world = World::new();
    let host = world.registry.address();
    let authority = |name: &str, pair: &KeyPair, further: &str| format!("{{name: {name}, {}{further}}}", key(pair));
    let both = format!(
        "authorities: [{}, {}], require: {{threshold: {{min: 2, of: [team, other]}}}}",
        authority("team", &world.team, ", signedName: {}"),
        authority("other", &world.other, ", signedName: {}")
    );
    let remap = ["/", ""].map(|end| format!("{{from: {host}/mirror{end}, to: {host}/team{end}}}"));
    let mirrored = authority("team", &world.team, &format!(", signedName: {{remap: [{}]}}", remap.join(", ")));
    let policies = [("team", both), ("mirror", format!("authorities: [{mirrored}]"))].map(|(name, spec)| {
        format!(
            "apiVersion: sealgate.dev/v1\nkind: ImagePolicy\nmetadata: {{name: {name}}}\n\
             spec: {{images: [{{glob: '{host}/{name}@*'}}, {{glob: '{host}/{name}/**'}}], {spec}}}\n"
        )
    });
    let ours = world.write("ours.yaml", &policies.join("---\n"));
    let exported = world.sealgate(&["policy", "export", &ours]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let theirs = world.write("policy.json", &exported.stdout);
    world.sign_as("mirror/app", "team/app:1");
    world.sign_as("mirror/own", "mirror/own:1");
    world.copy("team/both", "team/copied");
    let names = ["team/app", "team/both", "team/wrong", "team/copied", "team/unsigned", "mirror/app", "mirror/own"];
    let mut letting_in = Vec::new();
    for name in names {
        let (ours, theirs) = (world.check(&ours, name), world.their(&theirs, name));
        assert_eq!(ours, theirs, "{name}");
        letting_in.extend(ours.then_some(name));
    }
    assert_eq!(letting_in, ["team/both", "mirror/app"]);
}

#[test]
fn an_import_is_recognised_by_its_contents_and_goes_where_it_is_sent() {
    let client = Client::new();
    let run = |args: &[&str]| client.run(PROGRAM, args.iter().copied());
    let write = |name: &str, text: &str| fs::write(client.home().join(name), text).unwrap();
    write("kyverno.yaml", KYVERNO);
    write(
        "values.yaml",
        "validators: [{name: a, type: static, approve: true}]\npolicy: [{pattern: 'a.b/*', validator: a}]\n",
    );
    write("policy.json", r#"{"default": [{"type": "insecureAcceptAnything"}]}"#);
    for (file, glob) in [("kyverno.yaml", "ghcr.io/acme/**"), ("values.yaml", "a.b/**"), ("policy.json", "\"**\"")] {
        let outcome = run(&["policy", "import", file]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert!(outcome.stdout.contains(glob) && outcome.stderr.starts_with("note: "), "{outcome:?}");
    }
    fs::create_dir(client.home().join("policies")).unwrap();
    let into = ["policy", "import", "-o", "policies", "kyverno.yaml"];
    assert_eq!(run(&into).stdout, "");
    assert!(Path::new(&client.home().join("policies/check-rule.yaml")).exists());
    assert_eq!(run(&["policy", "lint", "policies"]).code, 0);
    let again = run(&into);
    assert_eq!(again.code, 2, "what is there is kept: {again:?}");
}

#[test]
fn what_does_not_parse_or_is_of_several_programs_ends_with_2() {
    let client = Client::new();
    let write = |name: &str, text: &str| fs::write(client.home().join(name), text).unwrap();
    write("policy.json", r#"{"default": [{"type": "reject"}]}"#);
    write("kyverno.yaml", KYVERNO);
    write("wrong.json", r#"{"default": []}"#);
    write("other.yaml", "a: 1\n");
    for (files, words) in [
        (&["wrong.json"][..], "wanted a requirement"),
        (&["other.yaml"], "neither a policy.json"),
        (&["missing.json"], "missing.json"),
        (&["policy.json", "kyverno.yaml"], "several programs"),
        (&["policy.json", "policy.json"], "wanted one"),
        (&["--from", "container-policy", "kyverno.yaml"], "no such field"),
    ] {
        let outcome = client.run(PROGRAM, ["policy", "import"].iter().chain(files));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
    }
}

#[test]
fn an_export_is_whole_or_asked_to_be_partial() {
    let client = Client::new();
    fs::write(client.home().join("p.yaml"), policy("p", &["ghcr.io/acme/*"], "static: {action: pass}")).unwrap();
    let whole = client.run(PROGRAM, ["policy", "export", "p.yaml"]);
    assert_eq!((whole.code, whole.stdout.as_str()), (2, ""), "{whole:?}");
    assert!(whole.stderr.contains("note: unsaid: p: `ghcr.io/acme/*`"), "{whole:?}");
    let partial = client.run(PROGRAM, ["policy", "export", "--partial", "p.yaml"]);
    assert_eq!(partial.code, 1, "{partial:?}");
    let value: serde_json::Value = serde_json::from_str(&partial.stdout).expect("it is JSON");
    assert_eq!(value["transports"]["docker"]["ghcr.io/acme"][0]["type"], "reject");
}

fn policy(name: &str, globs: &[&str], authority: &str) -> String {
    let globs: Vec<String> = globs.iter().map(|glob| format!("{{glob: '{glob}'}}")).collect();
    format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\n\
         spec: {{images: [{}], authorities: [{{{authority}}}]}}\n",
        globs.join(", ")
    )
}

fn key(pair: &KeyPair) -> String {
    format!(
        "key: {{data: \"{}\"}}",
        fs::read_to_string(&pair.public).expect("its maker has written it").replace('\n', "\\n")
    )
}

/// Repositories, and whose keys signed the image in each.
const IMAGES: [(&str, &[&str]); 9] = [
    ("team/app", &["team"]),
    ("team/both", &["other", "team"]),
    ("team/deep/app", &["team"]),
    ("team/unsigned", &[]),
    ("team/wrong", &["other"]),
    ("team-evil/app", &["team"]),
    ("open/app", &[]),
    ("open/evil/app", &["team"]),
    ("elsewhere/app", &["team"]),
];

const KYVERNO: &str = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: check}
spec:
  validationFailureAction: Enforce
  rules:
  - name: rule
    match: {any: [{resources: {kinds: [Pod]}}]}
    verifyImages:
    - imageReferences: ['ghcr.io/acme/*']
      attestors: [{entries: [{keyless: {issuer: 'https://i.example', subject: 'a@b.example'}}]}]
";

/// A few lines around containers/image: Debian's Skopeo refuses every sigstore signature.
const PEER: &str = "container-policy";

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
