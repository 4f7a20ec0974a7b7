//! OPA itself, asked as cosign asks it.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::thread;

use policy::RegoQuery;
use serde_json::{Value, json};

/// One policy about one input.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) policy: String,
    pub(super) query: RegoQuery,
    pub(super) input: Value,
}

impl Question {
    pub(super) fn read(json: &Value) -> Question {
        let query = if json["query"] == "allow" { RegoQuery::Allow } else { RegoQuery::IsCompliant };
        Question { policy: json["policy"].as_str().expect("a policy").to_owned(), query, input: json["input"].clone() }
    }

    fn line(&self) -> String {
        let query = if self.query == RegoQuery::Allow { "allow" } else { "isCompliant" };
        json!({"policy": self.policy, "input": self.input, "query": query}).to_string()
    }
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Complies,
    Warns(String),
    Denied(String),
    Error(String),
}

impl Answer {
    pub(super) fn read(json: &Value) -> Answer {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        match (json["ok"] == true, text("warning"), text("denied")) {
            (true, Some(warning), _) => Answer::Warns(warning),
            (true, None, _) => Answer::Complies,
            (false, _, Some(denied)) => Answer::Denied(denied),
            (false, ..) => Answer::Error(text("error").expect("an answer")),
        }
    }
}

fn answer(line: &str) -> Answer {
    Answer::read(&serde_json::from_str(line).expect("JSON"))
}

/// Its answers, in the order of the questions.
pub(super) fn answers(questions: &[Question]) -> Vec<Answer> {
    let mut oracle =
        peers::command("rego-oracle").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = oracle.stdin.take().expect("a pipe");
    let lines: Vec<_> = questions.iter().map(Question::line).collect();
    let asking = thread::spawn(move || lines.iter().try_for_each(|line| writeln!(input, "{line}")));
    let output = BufReader::new(oracle.stdout.take().expect("a pipe")).lines();
    let answers: Vec<_> = output.map(|line| answer(&line.expect("text"))).collect();
    asking.join().expect("no panic").expect("it reads everything");
    assert!(oracle.wait().expect("a child of ours").success());
    assert_eq!(answers.len(), questions.len());
    answers
}
