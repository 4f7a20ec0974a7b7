//! The rows stay apart: who may depend on whom, and what a pure crate must never pull in.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// Each member with the members that it may use. A member missing here, or an edge missing here, fails.
const EDGES: [(&str, &[&str]); 12] = [
    ("keys", &[]),
    ("oci", &[]),
    ("verifier", &["keys", "oci"]),
    ("cue", &[]),
    ("policy", &["cue", "keys", "oci", "verifier"]),
    ("workload", &["oci"]),
    ("registry", &["oci", "verifier"]),
    ("signer", &["keys", "oci", "registry", "verifier"]),
    ("gate", &["keys", "oci", "policy", "registry", "verifier"]),
    ("webhook", &["gate", "oci", "policy", "workload"]),
    ("host", &["oci", "registry"]),
    ("cli", &["gate", "host", "keys", "oci", "policy", "registry", "signer", "verifier", "webhook", "workload"]),
];

/// The pure members: bytes in, values out.
const PURE: [&str; 6] = ["keys", "oci", "verifier", "cue", "policy", "workload"];

/// Crates that open sockets, wait, or read a clock.
const IMPURE: [&str; 16] = [
    "tokio", "mio", "socket2", "hyper", "reqwest", "h2", "rustls", "axum", "async-io", "smol", "notify", "jiff",
    "chrono", "time", "tempfile", "kube",
];

fn cargo(arguments: &[&str]) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = Command::new(env!("CARGO")).args(arguments).args(["--locked", "--offline"]).current_dir(root).output();
    let output = output.expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

fn members() -> Vec<(String, BTreeSet<String>)> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let names: BTreeSet<String> = packages.iter().map(name).collect();
    let edges = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        dependencies.iter().filter(|d| d["kind"] != "dev").map(name).filter(|n| names.contains(n)).collect()
    };
    packages.iter().map(|package| (name(package), edges(package))).collect()
}

#[test]
fn members_use_only_what_their_row_allows() {
    let members = members();
    for (member, edges) in &members {
        if matches!(member.as_str(), "peers" | "suites") {
            continue;
        }
        let (_, allowed) =
            EDGES.iter().find(|(name, _)| name == member).unwrap_or_else(|| panic!("{member} has no row"));
        let forbidden: Vec<_> = edges.iter().filter(|edge| !allowed.contains(&edge.as_str())).collect();
        assert!(forbidden.is_empty(), "{member} must not use {forbidden:?}");
    }
    for (name, _) in EDGES {
        assert!(members.iter().any(|(member, _)| member == name), "{name} is no member");
    }
}

#[test]
fn pure_members_pull_in_no_network_no_async_no_clock() {
    for member in PURE {
        let tree = cargo(&["tree", "--package", member, "--edges", "normal", "--prefix", "none"]);
        let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        let found: Vec<_> = IMPURE.iter().filter(|name| crates.contains(*name)).collect();
        assert!(found.is_empty(), "{member} pulls in {found:?}");
        assert!(crates.contains(member), "the tree of {member} was not read: {tree}");
    }
}

#[test]
fn pure_members_are_kept_from_clock_files_and_environment_by_clippy() {
    for member in PURE {
        let path = format!("{}/../../{member}/clippy.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
        for method in ["SystemTime::now", "Instant::now", "env::var", "fs::read", "File::open", "TcpStream::connect"] {
            assert!(text.contains(method), "{path} allows {method}");
        }
    }
}
