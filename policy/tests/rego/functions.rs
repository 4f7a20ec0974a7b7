//! Every function with arguments of every kind: OPA's values, or undefined where they are.

use policy::RegoQuery;
use serde_json::{Value, json};

use super::contract::agrees;
use super::generated::Generator;
use super::oracle::{Answer, Question, answers};
use super::{Outcome, outcome};

#[test]
fn every_function_gives_what_opas_gives() {
    peers::require!("rego-oracle");
    let questions = questions();
    let opa = answers(&questions);
    let mut compared = 0;
    for (question, opa) in questions.iter().zip(&opa).filter(|(_, opa)| !matches!(opa, Answer::Error(_))) {
        let ours = outcome(&question.policy, question.query, &question.input);
        let Outcome::Denied(_) = ours else { panic!("{}\n{}\n{ours:?}", question.policy, question.input) };
        // What a denial quotes is cut, and bytes that are no text are written in two ways.
        let text = |opa: &Answer| matches!(opa, Answer::Denied(text) if text.len() > 250 || text.contains(r"\ufffd"));
        if !text(opa) {
            compared += 1;
            assert!(agrees(&ours, opa), "{}\n{}\n{ours:?}\n{opa:?}", question.policy, question.input);
        }
    }
    assert!(compared > questions.len() * 3 / 4, "{compared} of {}", questions.len());
}

fn questions() -> Vec<Question> {
    let pool = pool();
    let mut generator = Generator(0x2545_f491_4f6c_dd1d);
    let mut questions = Vec::new();
    for (function, arguments) in FUNCTIONS.lines().filter_map(|line| line.trim().rsplit_once(' ')) {
        for _ in 0..if arguments == "1" { 2 * pool.len() } else { 60 } {
            let input: Vec<_> = (0..4).map(|_| pool[generator.below(pool.len())].clone()).collect();
            questions.push(question(function, arguments.parse().expect("a number"), &mut generator, &input));
        }
    }
    questions
}

fn question(function: &str, arguments: usize, generator: &mut Generator, input: &[Value]) -> Question {
    let argument = |n: usize| match generator.below(8) {
        0 if input[n].is_array() => format!("{{x | x := input.a[{n}][_]}}"),
        _ => format!("input.a[{n}]"),
    };
    let call = format!("{function}({})", (0..arguments).map(argument).collect::<Vec<_>>().join(", "));
    let rule = format!("isCompliant[r] {{ x := {call}; r := {{\"error\": json.marshal([x])}} }}");
    let policy = format!("package sigstore\n{rule}\n");
    Question { policy, query: RegoQuery::IsCompliant, input: json!({"a": input}) }
}

/// Without numbers that 64 bits do not hold, which lose digits when JSON is read, and without ranges that are refused.
fn pool() -> Vec<Value> {
    let texts = [
        "",
        "a",
        "abc",
        "a,b,c",
        "é",
        "ABC",
        " x ",
        "[1,2]",
        "{\"a\":1}",
        "YWJj",
        "YWI=",
        "YWI",
        "616263",
        "1.2.3",
        "1.2.3-rc1",
        "10Ki",
        "5M",
        "1h",
        "2024-01-01T00:00:00Z",
        "a*",
        "^a.*$",
        "(",
        "*.com",
        "x.com",
        "12",
        "0x10",
        "-5",
        "%s",
        "<&>",
        r"\d+",
        "[a-z&&[^b]]",
        "{2}",
        "(?x)a",
    ];
    let mut pool: Vec<_> = texts.into_iter().map(Value::from).collect();
    pool.extend([
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(3),
        json!(16),
        json!(10),
        json!(1.5),
        json!(-2.5),
        json!(100),
        json!([]),
        json!([1]),
        json!([1, 2, 3]),
        json!(["a", "b"]),
        json!(["a", 1]),
        json!([[1, 2], [3]]),
        json!([["a"]]),
        json!({}),
        json!({"a": 1}),
        json!({"a": {"b": [1, 2]}}),
        json!([null]),
        json!({"b": 2, "a": "x"}),
        json!(["a", "a/b"]),
        json!([{"op": "add", "path": "/c", "value": 3}]),
        json!([{"a": 1}, {"b": 2}]),
        json!(["/", "."]),
        json!([true, true]),
    ]);
    pool
}

/// Every function that a policy may call, with its number of arguments.
const FUNCTIONS: &str = "
abs 1
all 1
any 1
array.concat 2
array.reverse 1
array.slice 3
base64.decode 1
base64.encode 1
base64.is_valid 1
base64url.decode 1
base64url.encode 1
base64url.encode_no_pad 1
bits.and 2
bits.negate 1
bits.or 2
bits.rsh 2
bits.xor 2
ceil 1
concat 2
contains 2
count 1
endswith 2
floor 1
format_int 2
glob.match 3
hex.decode 1
hex.encode 1
indexof 2
indexof_n 2
intersection 1
is_array 1
is_boolean 1
is_null 1
is_number 1
is_object 1
is_set 1
is_string 1
json.filter 2
json.is_valid 1
json.marshal 1
json.patch 2
json.remove 2
json.unmarshal 1
lower 1
max 1
min 1
object.filter 2
object.get 3
object.keys 1
object.remove 2
object.subset 2
object.union 2
object.union_n 1
product 1
re_match 2
regex.find_all_string_submatch_n 3
regex.find_n 3
regex.is_valid 1
regex.match 2
regex.replace 3
replace 3
round 1
semver.compare 2
semver.is_valid 1
sort 1
split 2
sprintf 2
startswith 2
strings.any_prefix_match 2
strings.any_suffix_match 2
strings.count 2
strings.replace_n 2
strings.reverse 1
substring 3
sum 1
time.clock 1
time.date 1
time.parse_duration_ns 1
time.parse_rfc3339_ns 1
time.weekday 1
to_number 1
trim 2
trim_left 2
trim_prefix 2
trim_right 2
trim_space 1
trim_suffix 2
type_name 1
union 1
units.parse_bytes 1
upper 1
";
