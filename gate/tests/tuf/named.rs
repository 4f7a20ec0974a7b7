//! TrustRoots that name a TUF repository, at a mirror or packed up, and the policies that refer to them.

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use gate::Supplier;
use policy::PolicySet;
use registry::{Client, Settings};

use crate::{
    repository::{Edition, Files, LATE, Part, Repository, alter, target_path},
    server::{Fault, Server},
};

/// A real one, so that it can be read.
const TRUSTED_ROOT: &str = include_str!("../../src/trust/public/trusted_root.json");

fn edition(version: u64) -> Edition {
    Edition { texts: vec![("trusted_root.json", TRUSTED_ROOT.to_owned())], ..Edition::new(version) }
}

fn repository() -> Repository {
    Repository::with(&edition(1), LATE)
}

/// A policy by identities under a TrustRoot with this `spec`.
fn set(spec: &str) -> PolicySet {
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: p}}\nspec:\n  \
         images: [{{glob: '**'}}]\n  authorities:\n  - keyless: {{identities: [{{issuer: a, subject: b}}], trustRootRef: r}}\n    \
         ctlog: {{trustRootRef: r}}\n---\napiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {{name: r}}\n\
         spec: {spec}\n"
    );
    PolicySet::parse(&[("p.yaml".to_owned(), text)]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn remote(repository: &Repository, mirror: &str, further: &str) -> PolicySet {
    let root = BASE64_STANDARD.encode(repository.root());
    set(&format!("{{remote: {{root: {root}, mirror: '{mirror}'{further}}}}}"))
}

fn packed(root: &[u8], archive: &[u8], further: &str) -> PolicySet {
    let (root, archive) = (BASE64_STANDARD.encode(root), BASE64_STANDARD.encode(archive));
    set(&format!("{{repository: {{root: {root}, mirrorFS: {archive}{further}}}}}"))
}

/// The files in a tar under this folder, compressed.
fn tar(files: &Files, folder: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, format!("{folder}{path}"), bytes.as_slice()).unwrap();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

fn supplier() -> Supplier {
    Supplier::new(Client::new(Settings::default()).unwrap())
}

/// Why the policy is not ready, if it isn't.
async fn lack(set: &PolicySet) -> Option<String> {
    let set = supplier().supply(set.clone()).await;
    let policy = set.policies().next().unwrap();
    policy.readiness().err().map(ToString::to_string)
}

#[tokio::test]
async fn root_of_a_mirror_counts_for_the_policy_that_names_it() {
    let repository = repository();
    let server = Server::start(&repository.files);
    let asking = remote(&repository, &server.url(), "");
    assert!(asking.policies().next().unwrap().readiness().is_err(), "before it was asked");
    assert_eq!(lack(&asking).await, None);
    let supplied = supplier().supply(asking.clone()).await;
    assert_ne!(supplied.trust_fingerprint(), asking.trust_fingerprint());
}

#[tokio::test]
async fn packed_root_counts_wherever_it_is_packed_in() {
    let repository = repository();
    for folder in ["", "repository/"] {
        assert_eq!(lack(&packed(&repository.root(), &tar(&repository.files, folder), "")).await, None, "{folder}");
    }
}

#[tokio::test]
async fn names_of_folder_and_target_are_heeded() {
    let named = |name| Edition { texts: vec![(name, TRUSTED_ROOT.to_owned())], ..Edition::new(1) };
    let repository = Repository::with(&named("ours.json"), LATE);
    let moved: Files =
        (repository.files.iter()).map(|(path, bytes)| (path.replace("targets/", "goals/"), bytes.clone())).collect();
    let root = repository.root();
    let further = ", targets: goals, trustedRootTarget: ours.json";
    assert_eq!(lack(&packed(&root, &tar(&moved, ""), further)).await, None);
    assert!(
        lack(&packed(&root, &tar(&moved, ""), ", targets: goals"))
            .await
            .unwrap()
            .contains("has no `trusted_root.json`")
    );
    assert!(lack(&packed(&root, &tar(&moved, ""), ", trustedRootTarget: ours.json")).await.is_some());
    let server = Server::start(&moved);
    assert_eq!(lack(&remote(&repository, &server.url(), further)).await, None);
}

#[tokio::test]
async fn strangers_and_expired_and_altered_repositories_are_not_valid() {
    let (good, other) = (repository(), repository());
    let past = Part { version: 1, expires: "2020-01-01T00:00:00Z" };
    let expired = Repository::with(&Edition { timestamp: past, ..edition(1) }, LATE);
    let mut altered = good.files.clone();
    alter(&mut altered, "1.snapshot.json", |document| document["signed"]["version"] = 9.into());
    let mut swapped = good.files.clone();
    let target = target_path(&swapped, "trusted_root.json");
    swapped.insert(target, TRUSTED_ROOT.replace("sigstore", "attacker").into_bytes());
    let rows = [
        ("another's root", other.root(), &good.files),
        ("expired", expired.root(), &expired.files),
        ("altered", good.root(), &altered),
        ("swapped", good.root(), &swapped),
    ];
    for (what, root, files) in rows {
        let why = lack(&packed(&root, &tar(files, ""), "")).await.expect(what);
        let words = "refers to trustRootRef r, which names a TUF repository that is not valid: ";
        assert!(why.starts_with(words), "{what}: {why}");
    }
}

#[tokio::test]
async fn mirror_that_does_not_answer_and_archive_that_is_none_are_told_apart() {
    let repository = repository();
    let server = Server::start(&repository.files);
    server.fails("timestamp.json", Fault::HangsUp);
    let why = lack(&remote(&repository, &server.url(), "")).await.unwrap();
    assert!(why.contains("which names a TUF repository that cannot be reached: "), "{why}");
    let why = lack(&packed(&repository.root(), b"nonsense", "")).await.unwrap();
    assert!(why.contains("which holds an archive that cannot be unpacked: "), "{why}");
    let text = Repository::new();
    let why = lack(&packed(&text.root(), &tar(&text.files, ""), "")).await.unwrap();
    assert!(why.contains("which holds a trusted root that cannot be read: "), "{why}");
    let why = lack(&set("{remote: {root: '%%', mirror: 'http://x'}}")).await.unwrap();
    assert!(why.contains("spec.remote.root: not base64"), "{why}");
}

#[tokio::test]
async fn what_was_seen_of_a_repository_is_not_rolled_back() {
    let mut newer = repository();
    let older = newer.files.clone();
    newer.publish(&edition(2));
    let server = Server::start(&newer.files);
    let asking = remote(&newer, &server.url(), "");
    let mut supplier = supplier();
    assert!(supplier.supply(asking.clone()).await.policies().all(|policy| policy.readiness().is_ok()));
    assert!(supplier.refresh(&asking).await, "as it is");
    server.has(&older);
    assert!(!supplier.refresh(&asking).await, "older than what was seen");
    let still = supplier.supply(asking).await;
    assert!(still.policies().all(|policy| policy.readiness().is_ok()), "what was had stays");
}
