//! Repositories signed by real cosigns long ago, judged again: every check of a signature or an attestation in the
//! corpus.
//!
//! The corpus says `accept` or `reject` where that is plain. Where it says what cosign did instead, the rules below
//! say in words what is right; a case that no rule covers fails. A refusal must come from evidence: exit code 10, 11
//! or 12, never 1.

#![expect(clippy::print_stdout, reason = "the table is for whoever reads the test's output")]

use std::{fs, path::Path};

use peers::{Outcome, Registry};
use serde_json::Value;
use suites::{as_cosign::AsCosign, layout_loader::CorpusLayout};

/// What is right for a check, by a word in the case's name.
struct Rule {
    word: &'static str,
    right: Right,
    #[expect(dead_code, reason = "for whoever reads the table")]
    because: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Accept,
    Reject,
    /// Only in rules: accepted if a cosign was told to `sign`, refused if it was told to `attest`.
    AsMade,
}

use Right::{Accept, AsMade, Reject};

/// The first rule with a word in the case's name counts.
const RULES: [Rule; 22] = [
    Rule { word: "ed25519", right: Accept, because: "a genuine signature by the named key, pure or prehashed" },
    Rule { word: "p-384", right: Accept, because: "a genuine signature by the named key, with either hash" },
    Rule { word: "p-521", right: Accept, because: "a genuine signature by the named key, with either hash" },
    Rule { word: "legacy-type-", right: Reject, because: "the signed type is not exactly the one of image signatures" },
    Rule { word: "dup-key", right: Reject, because: "two parsers could read a duplicate key differently" },
    Rule { word: "trailing", right: Reject, because: "two parsers could read trailing bytes differently" },
    Rule { word: "upper", right: Reject, because: "a digest is lower-case hexadecimal" },
    Rule { word: "extra-fields", right: Accept, because: "unknown members of a payload are no objection" },
    Rule { word: "hint", right: Accept, because: "a hint is a hint, wrong or absent" },
    Rule { word: "junk-sig", right: Reject, because: "an envelope has exactly one signature" },
    Rule { word: "second-sig", right: Reject, because: "an envelope has exactly one signature" },
    Rule { word: "two-sigs", right: Reject, because: "an envelope has exactly one signature" },
    Rule { word: "unknown-field", right: Reject, because: "a bundle has no unknown members" },
    Rule { word: "v01", right: Reject, because: "a bundle in a registry is v0.3 or later" },
    Rule { word: "v02", right: Reject, because: "a bundle in a registry is v0.3 or later" },
    Rule { word: "annotation", right: AsMade, because: LIE },
    Rule { word: "artifact-type", right: AsMade, because: LIE },
    Rule { word: "mediatype", right: AsMade, because: LIE },
    Rule { word: "media-type", right: AsMade, because: LIE },
    Rule { word: "predicate-type", right: AsMade, because: LIE },
    Rule { word: "garbage", right: Accept, because: "a bad signature beside a good one is harmless" },
    Rule { word: "junk", right: Accept, because: "a bad signature beside a good one is harmless" },
];
const LIE: &str = "what stands around the signed bytes changes nothing, in either direction";

#[test]
fn every_check_is_right_with_the_referrers_api() {
    let Some(corpus) = peers::corpus() else { return };
    let checks = Judge::new(&corpus, &[]).run(|_| true);
    assert!(checks.made > 60 && checks.needing_api > 10 && checks.attestations > 10, "{checks:?}");
}

#[test]
fn every_check_is_right_without_the_referrers_api() {
    let Some(corpus) = peers::corpus() else { return };
    let checks = Judge::new(&corpus, &["--no-referrers"]).run(|layout| !layout.needs_referrers_api());
    assert!(checks.made > 30 && checks.needing_api == 0, "{checks:?}");
}

/// How many checks there were.
#[derive(Debug, Default)]
struct Checks {
    made: usize,
    needing_api: usize,
    attestations: usize,
}

struct Judge<'a> {
    folder: &'a Path,
    sealgate: AsCosign,
    registry: Registry,
    cases: Value,
}

impl<'a> Judge<'a> {
    fn new(corpus: &'a Path, flags: &[&str]) -> Self {
        let sealgate = AsCosign::new(PROGRAM);
        let cases = fs::read(corpus.join("golden/cases.json")).expect("the corpus has golden data");
        let cases = serde_json::from_slice(&cases).expect("its cases are JSON");
        Self { folder: corpus, sealgate, registry: Registry::sealgate(PROGRAM, flags), cases }
    }

    /// Makes the checks of the cases whose layout is wanted, prints them as a table, and fails if one is wrong.
    fn run(&self, wanted: impl Fn(&CorpusLayout) -> bool) -> Checks {
        let (mut checks, mut wrong) = (Checks::default(), Vec::new());
        println!("| case | check | expected | got |\n|---|---|---|---|");
        for case in self.cases.as_array().expect("the cases are a list") {
            let name = text(&case["name"]);
            let layout = CorpusLayout::open(&self.folder.join("golden").join(text(&case["layout"])));
            if !wanted(&layout) {
                continue;
            }
            let repository = format!("{}/golden/{}", self.registry.address(), name.to_lowercase());
            layout.push(&repository);
            for check in case["checks"].as_array().expect("a case has checks") {
                checks.made += 1;
                checks.attestations += usize::from(check["kind"] != "signature");
                checks.needing_api += usize::from(layout.needs_referrers_api());
                let (row, right) = self.check(name, check, made(case), &repository);
                println!("{row}");
                wrong.extend((!right).then_some(row));
            }
        }
        println!("{checks:?}");
        assert!(wrong.is_empty(), "{} checks are wrong:\n{}", wrong.len(), wrong.join("\n"));
        checks
    }

    fn check(&self, case: &str, check: &Value, made: Right, repository: &str) -> (String, bool) {
        let name = text(&check["check"]);
        let key = self.folder.join("golden").join(text(&check["pub"]));
        let flags = check["extra"].as_array().into_iter().flatten().map(text);
        let flags: Vec<_> = flags.collect();
        let image = format!("{repository}{}", text(&check["ref"]));
        let outcome = match text(&check["kind"]).strip_prefix("attestation:") {
            None => self.sealgate.verify(&key, &image, &flags),
            Some(kind) => self.sealgate.verify_attestation(&key, &image, kind, &flags),
        };
        let right = right(case, name, text(&check["expect"]), made);
        let (got, said) = (verdict(&outcome), outcome.stderr.lines().last().unwrap_or_default().trim());
        let expected = right.map_or("a rule for this case".to_owned(), |right| format!("{right:?}"));
        let detail = if got == right { "" } else { said };
        (
            format!("| {case} | {name} | {expected} | {got:?} ({}) {detail}|", outcome.code),
            right.is_some() && got == right,
        )
    }
}

/// What is right; nothing where nobody has said.
fn right(case: &str, check: &str, recorded: &str, made: Right) -> Option<Right> {
    match recorded {
        // cosign sees these signatures when told to look; finding them without being told is right as well
        "reject" if case.starts_with("v2-oci11-") && check == "plain" => Some(Accept),
        "accept" => Some(Accept),
        "reject" => Some(Reject),
        _ => RULES.iter().find(|rule| case.contains(rule.word)).map(|rule| match rule.right {
            AsMade => made,
            plain => plain,
        }),
    }
}

/// Whether the case is a signature, by the command that made it.
fn made(case: &Value) -> Right {
    let commands = case["made_by"].as_array().expect("a case says how it was made");
    let signed = commands.iter().any(|command| text(command).split(' ').nth(1) == Some("sign"));
    if signed { Accept } else { Reject }
}

fn verdict(outcome: &Outcome) -> Option<Right> {
    match outcome.code {
        0 => Some(Accept),
        10..=12 => Some(Reject),
        _ => None,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[test]
fn a_case_without_rule_is_neither_right_nor_wrong() {
    assert_eq!(right("edge-bundle-of-another-world", "A", "see-cosign", Accept), None);
    assert_eq!(right("edge-legacy-dup-key-rev", "A", "see-cosign", Accept), Some(Reject));
    assert_eq!(right("edge-legacy-dup-key-rev", "A", "accept", Reject), Some(Accept));
    assert_eq!(right("edge-bundle-annotation-lies", "A", "see-cosign", Reject), Some(Reject));
    assert_eq!(right("edge-bundle-annotation-lies", "A", "see-cosign", Accept), Some(Accept));
}

#[test]
fn only_an_answer_from_evidence_is_a_refusal() {
    let outcome = |code| Outcome { code, stdout: String::new(), stderr: String::new() };
    assert_eq!([1, 2, 101].map(|code| verdict(&outcome(code))), [None; 3]);
    assert_eq!([10, 11, 12].map(|code| verdict(&outcome(code))), [Some(Reject); 3]);
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
