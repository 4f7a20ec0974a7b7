//! The real evaluator as a program that answers line by line, and the comparison with our answers.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use cue::{ConflictKind, Policy, Problem};
use serde_json::{Value, json};

/// A policy and data, both as text.
pub(crate) struct Case {
    pub(crate) policy: String,
    pub(crate) data: String,
}

/// How many cases ended how.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) yes: usize,
    pub(crate) no: usize,
    /// Refused where CUE accepts, since the policy computes with what is not known.
    pub(crate) incomplete: usize,
    /// Refused where CUE accepts, since the outcome could depend on an order.
    pub(crate) undecided: usize,
    /// Not loaded since a construct is not supported, where CUE accepts.
    pub(crate) refused: usize,
    /// Accepted where CUE crashed.
    pub(crate) crashed: usize,
    /// What must not be.
    pub(crate) differences: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.incomplete += other.incomplete;
        self.undecided += other.undecided;
        self.refused += other.refused;
        self.crashed += other.crashed;
        self.differences.extend(other.differences);
    }

    /// There is no difference; and enough cases are accepted, and few left open, for that to show something.
    pub(crate) fn agrees(&self) {
        let shown = self.differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(self.differences.is_empty(), "{} differences\n{shown}", self.differences.len());
        let all = self.yes + self.no + self.incomplete + self.undecided + self.refused;
        assert!(self.yes * 20 > all && (self.undecided + self.refused) * 10 < all, "{self:?}");
    }
}

/// Our answer.
enum Answer {
    Yes,
    No(String),
    Incomplete,
    Undecided,
    Refused,
}

const NO_ANSWER: &str = "no answer";

/// Asks the real evaluator and ours, and tells where they differ in what they must not differ in.
pub(crate) fn compare(cases: &[Case]) -> Tally {
    let theirs = answers(cases);
    let mut tally = Tally::default();
    for (case, theirs) in cases.iter().zip(theirs) {
        let accepted = theirs["ok"].as_bool().expect("an answer says whether it is yes");
        let ours = ours(case);
        match (accepted, &ours) {
            (true, Answer::Yes) => tally.yes += 1,
            (true, Answer::Incomplete) => tally.incomplete += 1,
            (true, Answer::Undecided) => tally.undecided += 1,
            (true, Answer::Refused) => tally.refused += 1,
            (false, _) if !matches!(ours, Answer::Yes) => tally.no += 1,
            (true, Answer::No(why)) => tally.differences.push(format!("{case}CUE: yes\nours: {why}\n")),
            // a crash, or no end, is no answer
            (false, _) if has_crashed(&theirs) => tally.crashed += 1,
            (false, _) => tally.differences.push(format!("{case}CUE: {}\nours: YES\n", theirs["error"])),
        }
    }
    tally
}

fn has_crashed(answer: &Value) -> bool {
    answer["error"].as_str().is_some_and(|error| error == NO_ANSWER || error.starts_with("panic: "))
}

fn ours(case: &Case) -> Answer {
    let data: Value = serde_json::from_str(&case.data).expect("data are JSON");
    match Policy::parse(&case.policy) {
        Ok(policy) => match policy.check(&data) {
            Ok(()) => Answer::Yes,
            Err(why) if why.iter().any(|reason| reason.kind == ConflictKind::Undecided) => Answer::Undecided,
            Err(why)
                if why
                    .iter()
                    .any(|reason| matches!(reason.kind, ConflictKind::Incomplete | ConflictKind::Undefined)) =>
            {
                Answer::Incomplete
            }
            Err(why) => Answer::No(why.to_string()),
        },
        Err(why) if matches!(why.problem, Problem::Undecided(_)) => Answer::Undecided,
        Err(why) if matches!(why.problem, Problem::Unsupported(_)) => Answer::Refused,
        Err(why) if matches!(why.problem, Problem::Incomplete(_)) => Answer::Incomplete,
        Err(why) => Answer::No(why.to_string()),
    }
}

/// What the real evaluator answers, in order. Where it crashes or never ends, that is a no.
pub(crate) fn answers(cases: &[Case]) -> Vec<Value> {
    let mut answers = Vec::with_capacity(cases.len());
    while answers.len() < cases.len() {
        answers.extend(asked(&cases[answers.len()..]));
        if answers.len() < cases.len() {
            answers.push(json!({ "ok": false, "error": NO_ANSWER }));
        }
    }
    answers
}

/// The answers of one run of the program, which may end early.
fn asked(cases: &[Case]) -> Vec<Value> {
    let program = peers::find("cue-oracle").expect("the caller required it");
    let mut command = Command::new(program);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input is piped");
    let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    let answers = std::thread::scope(|scope| {
        scope.spawn(move || {
            for case in cases {
                let question = json!({ "policy": case.policy, "data": case.data });
                // one that has ended reads no more
                if writeln!(input, "{question}").is_err() {
                    break;
                }
            }
        });
        lines.map(|line| serde_json::from_str(&line.expect("it writes")).expect("it writes JSON")).collect::<Vec<_>>()
    });
    child.wait().expect("it ends");
    answers
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "---\n{}data: {}\n", self.policy, self.data)
    }
}
