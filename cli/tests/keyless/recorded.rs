//! Every recorded `verify` that our flags can say, said again.

use serde_json::Value;
use suites::sealgate::Sealgate;

use crate::stage::{PROGRAM, Stage};

/// What is right where the record says otherwise: case, number of the check, whether it passes, why.
const OURS: [(&str, usize, bool, &str); 4] = [
    ("c3-attest-rekor1", 1, false, "an attestation is no signature"),
    ("c3-attest-rekor2", 1, false, "an attestation is no signature"),
    ("c3-rekor2", 2, true, "a timestamp is looked at whenever there is one"),
    ("c2-bundle-rekor2d", 1, true, "a log entry of kind `dsse` 0.0.2 is as good as any"),
];

#[test]
fn recorded_checks_are_right() {
    let Some(stage) = Stage::set_up() else { return };
    let (mut made, mut with_files, mut wrong) = (0, 0, Vec::new());
    println!("| case | check | wanted | exit | |\n|---|---|---|---|---|");
    for name in stage.cases() {
        let case = stage.case(&name);
        for (index, check) in case["verify"].as_array().expect("a case has checks").iter().enumerate() {
            let args = arguments(&stage, check);
            let ours = OURS.iter().find(|(case, at, ..)| (*case, *at) == (&name, index));
            let wanted = ours.map_or(check["exit"] == 0, |(.., passes, _)| *passes);
            let sealgate = with_environment(&stage, check);
            with_files += usize::from(check["env"].as_array().is_some_and(|env| !env.is_empty()));
            let outcome = sealgate.run(&args);
            let right = if wanted { outcome.code == 0 } else { [10, 12].contains(&outcome.code) };
            let why = ours.map_or("as recorded", |(.., why)| why);
            let row = format!("| {name} | {index} | {wanted} | {} | {why} |", outcome.code);
            println!("{row}");
            made += 1;
            wrong.extend((!right).then(|| format!("{row}\n{args:?}\n{}", outcome.stderr)));
        }
    }
    println!("{made} checks made, {with_files} of them with trust from files that the environment names");
    assert!(made >= 40 && with_files >= 10, "{made} {with_files}");
    assert!(wrong.is_empty(), "{} checks are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The program with the variables of a check, which name files of the corpus.
fn with_environment(stage: &Stage, check: &Value) -> Sealgate {
    let mut sealgate = Sealgate::new(PROGRAM);
    for variable in check["env"].as_array().into_iter().flatten() {
        let (name, path) = variable.as_str().and_then(|text| text.split_once('=')).expect("a variable has a value");
        sealgate.client_mut().set(name, &stage.path(path));
    }
    sealgate
}

/// The command as ours. Files lie in the corpus, the registry is ours, and both formats
/// are always looked at.
fn arguments(stage: &Stage, check: &Value) -> Vec<String> {
    let command = check["cmd"].as_str().expect("a check has a command");
    let words: Vec<&str> = command.split(' ').skip(1).filter(|word| *word != "--new-bundle-format").collect();
    let is_file = |at: usize| at > 0 && ["--trusted-root", "--key"].contains(&words[at - 1]);
    let place = |(at, word): (usize, &&str)| if is_file(at) { stage.path(word) } else { stage.here(word) };
    assert!(["verify", "verify-attestation"].contains(&words[0]), "{command}");
    words.iter().enumerate().map(place).collect()
}
