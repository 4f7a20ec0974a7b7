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

/// How many cases ended how. There are three ways: both say the same; we refuse the construct by its name, whatever CUE
/// says; or there is a difference, which must not be.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) yes: usize,
    pub(crate) no: usize,
    /// Refused by name where CUE says yes.
    pub(crate) open: Open,
    /// Refused by name where CUE says no, too: such a case shows nothing.
    pub(crate) idle: Open,
    /// Accepted where CUE crashed.
    pub(crate) crashed: usize,
    /// What must not be.
    pub(crate) differences: Vec<String>,
}

/// How often something was refused by name.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Open {
    /// The policy computes with what is not known.
    pub(crate) incomplete: usize,
    /// The outcome could depend on an order, or takes too long.
    pub(crate) undecided: usize,
    /// A construct that is not supported.
    pub(crate) unsupported: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.open.add(other.open);
        self.idle.add(other.idle);
        self.crashed += other.crashed;
        self.differences.extend(other.differences);
    }

    /// There is no difference; and enough cases are accepted, and few refused by name, for that to show something.
    pub(crate) fn agrees(&self) {
        let shown = self.differences.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(self.differences.is_empty(), "{} differences\n{shown}", self.differences.len());
        let by_name = self.open.all() + self.idle.all();
        assert!(self.yes * 20 > self.all() && by_name * 10 < self.all(), "{self}");
    }

    fn all(&self) -> usize {
        self.yes + self.no + self.open.all() + self.idle.all() + self.crashed + self.differences.len()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { yes, no, open, idle, crashed, differences } = self;
        let all = self.all().max(1);
        let share = |count: usize| format!("{count} ({}.{} %)", count * 100 / all, count * 1000 / all % 10);
        writeln!(f, "{all} cases: {} yes and {} no to both", share(*yes), share(*no))?;
        writeln!(f, "refused by name: {} where CUE says yes, {open:?}", share(open.all()))?;
        writeln!(f, "refused by name: {} where CUE says no, {idle:?}", share(idle.all()))?;
        write!(f, "CUE crashed on {crashed} that we accept; {} differences", differences.len())
    }
}

impl Open {
    fn add(&mut self, other: Self) {
        self.incomplete += other.incomplete;
        self.undecided += other.undecided;
        self.unsupported += other.unsupported;
    }

    fn all(self) -> usize {
        self.incomplete + self.undecided + self.unsupported
    }

    fn count(&mut self, why: ByName) {
        *match why {
            ByName::Incomplete => &mut self.incomplete,
            ByName::Undecided => &mut self.undecided,
            ByName::Unsupported => &mut self.unsupported,
        } += 1;
    }
}

/// Whether a policy is refused by name whatever its data: that is most often what CUE refuses too, and shows little.
pub(crate) fn is_refused_by_name(policy: &str) -> bool {
    Policy::parse(policy).is_err_and(|why| by_name_of_problem(&why.problem).is_some())
}

/// Our answer.
enum Answer {
    Yes,
    No(String),
    Refused(ByName),
}

/// Why a construct is refused.
#[derive(Clone, Copy)]
enum ByName {
    Incomplete,
    Undecided,
    Unsupported,
}

const NO_ANSWER: &str = "no answer";

/// Asks the real evaluator and ours, and tells where they differ in what they must not differ in.
pub(crate) fn compare(cases: &[Case]) -> Tally {
    let theirs = answers(cases);
    let mut tally = Tally::default();
    for (case, theirs) in cases.iter().zip(theirs) {
        let accepted = theirs["ok"].as_bool().expect("an answer says whether it is yes");
        let ours = ours(case);
        match (accepted, ours) {
            (true, Answer::Yes) => tally.yes += 1,
            (false, Answer::No(_)) => tally.no += 1,
            (true, Answer::Refused(why)) => tally.open.count(why),
            (false, Answer::Refused(why)) => tally.idle.count(why),
            (true, Answer::No(why)) => tally.differences.push(format!("{case}CUE: yes\nours: {why}\n")),
            // a crash, or no end, is no answer
            (false, Answer::Yes) if has_crashed(&theirs) => tally.crashed += 1,
            (false, Answer::Yes) => tally.differences.push(format!("{case}CUE: {}\nours: YES\n", theirs["error"])),
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
            // to CUE, what is not known can hide what is wrong elsewhere
            Err(why) => match why.iter().find_map(|reason| by_name(reason.kind)) {
                Some(name) => Answer::Refused(name),
                None => Answer::No(why.to_string()),
            },
        },
        Err(why) => by_name_of_problem(&why.problem).map_or_else(|| Answer::No(why.to_string()), Answer::Refused),
    }
}

fn by_name_of_problem(problem: &Problem) -> Option<ByName> {
    match problem {
        Problem::Undecided(_) => Some(ByName::Undecided),
        Problem::Unsupported(_) => Some(ByName::Unsupported),
        Problem::Incomplete(_) => Some(ByName::Incomplete),
        _ => None,
    }
}

fn by_name(kind: ConflictKind) -> Option<ByName> {
    match kind {
        ConflictKind::Undecided => Some(ByName::Undecided),
        ConflictKind::Incomplete | ConflictKind::Undefined => Some(ByName::Incomplete),
        ConflictKind::Conflicting | ConflictKind::Invalid | ConflictKind::NotAllowed | ConflictKind::Missing => None,
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
