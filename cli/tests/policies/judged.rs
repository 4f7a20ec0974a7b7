//! Every row of the table, asked as people ask.

use std::{fmt::Write as _, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use peers::{Client, Outcome};

use crate::{
    corpus,
    shelf::Shelf,
    table::{Case, ROWS, Root, Row, Wanted},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

#[test]
fn every_policy_says_of_each_image_what_it_was_written_to_say() {
    let Some(_) = corpus::folder() else { return };
    let Some(shelf) = Shelf::set_up() else { return };
    let (mut report, mut count) = (String::new(), 0);
    for row in ROWS {
        match judge(row, &shelf) {
            Some(complaints) => {
                count += row.cases.len();
                complaints.iter().for_each(|complaint| report.push_str(complaint));
            }
            None => println!("not in this corpus, and so not judged: {:?}", row.files),
        }
    }
    assert!(report.is_empty(), "{count} cases:\n{report}");
    assert!(count > 0, "nothing of this corpus was judged");
}

#[test]
fn policy_without_a_row_loads() {
    let known = |name: &String| ROWS.iter().any(|row| row.files.contains(&name.as_str()));
    let sealgate = Client::new();
    for name in corpus::names().iter().filter(|name| !known(name)) {
        let text = fs::read_to_string(corpus::folder().expect("it has names").join(name)).expect("it can be read");
        if !text.contains("kind: ClusterImagePolicy") {
            println!("{name} is no policy");
            continue;
        }
        let path = sealgate.home().join("policy.yaml");
        fs::write(&path, text).expect("a temporary folder can be written");
        let outcome = sealgate.run(PROGRAM, ["policy", "lint", "policy.yaml"]);
        assert!([0, 1].contains(&outcome.code), "{name}: {}{}", outcome.stdout, outcome.stderr);
        println!("{name} loads; what it says of images is not tested");
    }
}

/// What is not as it should be, case by case; nothing where one of the files is not there.
fn judge(row: &Row, shelf: &Shelf) -> Option<Vec<String>> {
    let sealgate = Client::new();
    let folder = sealgate.home().join("policies");
    fs::create_dir(&folder).expect("a temporary folder can be written");
    for (index, file) in row.files.iter().enumerate() {
        let text = corpus::policy(file, shelf, row.key)?;
        let text = row.replaced.iter().fold(text, |text, (theirs, ours)| {
            assert!(text.contains(theirs), "{file} does not say `{theirs}`");
            text.replace(theirs, ours)
        });
        if row.root != Root::Absent {
            roots(&text, &folder, &trusted_root(row, shelf));
        }
        write(&folder.join(format!("{index}.yaml")), &text);
    }
    let key = BASE64_STANDARD.encode(shelf.key(row.key));
    for (index, object) in row.beside.iter().enumerate() {
        write(&folder.join(format!("beside-{index}.yaml")), &object.replace("KEY", &key));
    }
    let complaints = row.cases.iter().flat_map(|case| {
        let outcomes = ask(&sealgate, row, case, shelf);
        outcomes.into_iter().filter_map(|(how, outcome)| complaint(row, case, how, &outcome))
    });
    Some(complaints.collect())
}

fn trusted_root(row: &Row, shelf: &Shelf) -> std::path::PathBuf {
    match row.root {
        Root::Own | Root::Absent => shelf.sigstore.trusted_root(),
        Root::OfOthers => shelf.sigstore.trusted_root_of_others(),
    }
}

/// The trust roots that a policy refers to, each in a file beside it.
fn roots(policy: &str, folder: &Path, trusted_root: &Path) {
    let parts = fs::read(trusted_root).expect("cosign has written it");
    let parts = serde_json::from_slice(&parts).expect("cosign writes JSON");
    for name in corpus::roots(policy) {
        write(&folder.join(format!("root-{name}.json")), &peers::trust_root(name, &parts).to_string());
    }
}

/// Alone, or within an object: named beside it, and named by it.
fn ask(sealgate: &Client, row: &Row, case: &Case, shelf: &Shelf) -> Vec<(&'static str, Outcome)> {
    let image = shelf.reference(case.image);
    let root = format!("--trusted-root={}", trusted_root(row, shelf).display());
    let check = |more: &[&str]| {
        let args = ["check", "--policy=policies", &root];
        sealgate.run(PROGRAM, args.iter().chain(more))
    };
    let Some(object) = case.object else { return vec![("alone", check(&[image]))] };
    write(&sealgate.home().join("object.yaml"), &object.replace("IMAGE", image));
    vec![("--resource", check(&[image, "--resource=object.yaml"])), ("--manifest", check(&["--manifest=object.yaml"]))]
}

/// The exit code, the verdict's word and its reasons, unless all are as wanted.
fn complaint(row: &Row, case: &Case, how: &str, outcome: &Outcome) -> Option<String> {
    let (code, word, says) = match case.wanted {
        Wanted::Allowed => (0, "allowed", ""),
        Wanted::Warned(says) => (0, "allowed", says),
        Wanted::Denied(says) => (1, "denied", says),
        Wanted::Undecided(says) => (3, "undecided", says),
    };
    let silent = case.wanted != Wanted::Allowed || !outcome.stdout.contains("failed policy");
    let good = outcome.code == code
        && outcome.stdout.split(' ').next() == Some(word)
        && outcome.stdout.contains(says)
        && silent;
    (!good).then(|| {
        let mut text =
            format!("{:?} × {} ({how}), wanted {:?}: exit code {}\n", row.files, case.image, case.wanted, outcome.code);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        said.lines().for_each(|line| writeln!(text, "    {line}").expect("a text can be written"));
        text
    })
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a temporary folder can be written");
}
