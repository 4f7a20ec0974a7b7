//! Thousands of generated policies, OPA's answer and ours.

use policy::RegoQuery;
use serde_json::{Value, json};

use super::contract::{agrees, cases};
use super::oracle::{Answer, Question, answers};
use super::{Outcome, outcome};

#[test]
fn the_recorded_answers_are_opas() {
    peers::require!("rego-oracle");
    let (questions, recorded): (Vec<_>, Vec<_>) =
        cases().into_iter().map(|(question, answer, _)| (question, answer)).unzip();
    for ((question, recorded), answer) in questions.iter().zip(recorded).zip(answers(&questions)) {
        let errors = matches!((&recorded, &answer), (Answer::Error(_), Answer::Error(_)));
        assert!(errors || recorded == answer, "{}\n{recorded:?}\n{answer:?}", question.policy);
    }
}

/// What OPA evaluates ends the same, to the letter.
#[test]
fn generated_policies_end_as_in_opa() {
    peers::require!("rego-oracle");
    let questions: Vec<_> =
        (1..=SEEDS).map(|seed| Generator(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed)).question()).collect();
    let opa = answers(&questions);
    let (mut complying, mut denied, mut compared) = (0, 0, 0);
    for (question, opa) in questions.iter().zip(&opa) {
        let ours = outcome(&question.policy, question.query, &question.input);
        // A policy that OPA does not compile, for its types mostly, complies with nothing there.
        if !matches!(opa, Answer::Error(_)) {
            compared += 1;
            assert!(agrees(&ours, opa), "{}\n{}\n{ours:?}\n{opa:?}", question.policy, question.input);
        }
        complying += usize::from(matches!(ours, Outcome::Complies));
        denied += usize::from(matches!(ours, Outcome::Denied(_)));
    }
    assert!(complying > questions.len() / 20 && denied > questions.len() / 20, "{complying} and {denied}");
    assert!(compared > questions.len() / 5, "{compared}");
}

/// A stream of choices that a seed fixes.
pub(super) struct Generator(pub(super) u64);

impl Generator {
    fn question(&mut self) -> Question {
        let rules: String = (0..self.below(3)).map(|n| self.helper(n)).collect();
        let main = match self.below(4) {
            0 => format!("default isCompliant = false\nisCompliant {{ {} }}\n", self.body()),
            1 => format!(
                "isCompliant[r] {{ {}; r := {{\"result\": {}, \"error\": \"e\"}} }}\n",
                self.body(),
                self.pick(&["true", "false", "input.t"])
            ),
            2 => format!("isCompliant {{ {} }}\nisCompliant {{ {} }}\n", self.body(), self.body()),
            _ => format!("isCompliant {{ {} }}\n", self.body()),
        };
        let policy = format!("package sigstore\nimport future.keywords\n{rules}{main}{HELPERS}");
        Question { policy, query: RegoQuery::IsCompliant, input: self.input() }
    }

    fn helper(&mut self, n: usize) -> String {
        let body = self.body();
        match self.below(4) {
            0 => format!("r{n} {{ {body} }}\n"),
            1 => format!("r{n} = {} {{ {body} }}\n", self.pick(&["1", "\"s\"", "[1, 2]", "false"])),
            2 => format!("r{n}[e] {{ {body}; e := input.list[_] }}\n"),
            _ => format!("r{n} = o {{ o := {{k: v | v := input.object[k]}} }} else = 2 {{ {body} }}\n"),
        }
    }

    fn body(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.statement()).collect::<Vec<_>>().join("; ")
    }

    fn statement(&mut self) -> String {
        let operator = self.pick(&["==", "!=", "<", ">", "<=", "="]);
        // Objects and sets stand in another order; nobody asks which is less.
        let depth = if operator.contains(['<', '>']) { 0 } else { 2 };
        let (left, right) = (self.value(depth), self.value(depth / 2));
        match self.below(14) {
            9 => format!("v := {left}; v {operator} {right}"),
            10 => format!(
                "w := {left}; count([z | z := input.list[_]; {} = {right}]) < 2",
                self.pick(&["z", "w", "[z, w]"])
            ),
            11 => format!("every k, q in input.object {{ k != {right}; q = {left} }}"),
            12 => format!("every q in input.list {{ input.object[q]; not q = {left}; [q, 1] = [{right}, 1] }}"),
            13 => format!("e({left}, {right})"),
            0 | 1 => format!("{left} {operator} {right}"),
            2 => format!("not {left} {operator} {right}"),
            3 => format!("not {left}"),
            4 => self.test(),
            5 => format!("not {}", self.test()),
            6 => format!("{left} {operator} {right} with input.n as 7"),
            7 => format!("every q in input.list {{ q {operator} {right} }}"),
            _ => format!("some q in input.list; q {operator} {right}"),
        }
    }

    fn test(&mut self) -> String {
        let (left, right) = (self.value(1), self.value(1));
        match self.below(7) {
            0 => format!("startswith({left}, \"a\")"),
            1 => format!("{left} in input.list"),
            2 => format!("regex.match({}, {left})", self.pick(&[r#"`^\w+$`"#, "`a|b`", "`[0-9]+`", "`(`"])),
            3 => format!("f({left})"),
            4 => format!("is_string({left})"),
            5 => format!("contains({left}, {right})"),
            _ => format!("input.object[{left}]"),
        }
    }

    fn value(&mut self, depth: usize) -> String {
        if depth == 0 {
            let leaves =
                ["1", "2", "\"a\"", "\"b\"", "true", "null", "input.n", "input.s", "input.t", "input.gone", "h0"];
            return self.pick(&leaves).to_owned();
        }
        let inner = self.value(depth - 1);
        match self.below(14) {
            0 => format!("count({inner})"),
            1 => format!("[{inner}, {}]", self.value(0)),
            2 => format!("{{\"k\": {inner}}}"),
            3 => format!("{{{inner}}}"),
            4 => format!("[x | x := input.list[_]; x != {inner}]"),
            5 => format!("{{x | x := input.list[_]; x != {inner}}}"),
            6 => format!("sprintf({}, [{inner}])", self.pick(&["\"%v\"", "\"%s-\"", "\"%d\""])),
            7 => format!("input.object[\"{}\"]", self.pick(&["a", "b", "gone"])),
            8 => format!("g({inner})"),
            9 => format!("object.get(input, \"{}\", {inner})", self.pick(&["n", "gone"])),
            10 => format!("lower({inner})"),
            11 => format!("[{inner}][{}]", self.pick(&["0", "1"])),
            12 => format!("(count(input.list) + {})", self.pick(&["1", "input.n"])),
            _ => self.value(0),
        }
    }

    fn input(&mut self) -> Value {
        let lists = [json!(["a", "b"]), json!([1, 2, 3]), json!([]), json!(["a", 1, null]), json!([[1, 2], "A"])];
        json!({
            "n": self.below(4),
            "s": self.pick(&["a", "b", "abc", ""]),
            "t": self.below(2) == 0,
            "list": lists[self.below(lists.len())],
            "object": {"a": self.below(3), "b": {"c": ["a"]}},
        })
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("small")).expect("smaller")
    }
}

const SEEDS: u64 = 2500;

const HELPERS: &str = r#"
h0 { input.t }
f(x) { x == "a" }
f(x) { x == 1 }
e(x, y) { x = y }
e([x, 1], y) { x = y }
g(x) = y { y := [x, x] }
"#;
