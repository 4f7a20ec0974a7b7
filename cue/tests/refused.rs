//! What CUE has and this evaluator refuses: by name, with line, column and the line itself, when a policy is loaded.

use cue::{CueError, Policy, Problem};

fn refusal(policy: &str) -> CueError {
    Policy::parse(policy).expect_err(policy)
}

#[test]
fn a_construct_that_is_not_supported_is_named() {
    for (policy, named) in [
        ("import \"net\"\na: net.IP", "the package `net`"),
        ("import \"encoding/json\"\na: json.Validate({})", "the package `encoding/json`"),
        ("import \"math\"\na: math.Pi", "the package `math`"),
        ("import \"example.com/x\"\na: x.y", "the package `example.com/x`"),
        ("import \"strings\"\na: strings.ToTitle(\"x\")", "`strings.ToTitle`"),
        ("import \"list\"\na: list.Sort([1], list.Ascending)", "`list.Sort`"),
        ("import \"time\"\na: time.Unix(1, 2)", "`time.Unix`"),
        ("import \"strings\"\na: strings", "the package `strings` as a value"),
        ("import \"strings\"\na: strings.HasPrefix", "`strings.HasPrefix` without a call"),
        ("import \"regexp\"\na: regexp.Match(\"x\")", "`regexp.Match` with 1 arguments"),
        ("a: {b: 1}()", "calling what is no known function"),
        ("a: matchN(1, [int])", "calling what is no known function"),
        ("a: int | {for x in [1] {b: x}}", "a comprehension inside an alternative"),
        ("a: int | {if true {b: 1}}", "a comprehension inside an alternative"),
        ("a: int | close({b: 1})", "`close` inside an alternative"),
        ("a: int | {let x = 1, b: x}", "`let` inside an alternative"),
        ("a: {5}", "a value in braces that is no struct"),
        ("a: {#x: 1, >5}", "a value in braces that is no struct"),
        ("a: {int, _b: 1}", "a value in braces that is no struct"),
        ("@extern(embed)\na: 1", "the attribute `@extern`"),
        ("@if(prod)\na: 1", "the attribute `@if`"),
        ("a: _ @embed(file=x)", "the attribute `@embed`"),
        ("a~X: 1\nb: X", "an alias after a label"),
        ("a: {..., b: 1\n...int}", "`...` with a type in a struct"),
        ("#A: {b: 1}\na: #A...", "`...` after a value"),
        ("a: {b?: 1}.b?", "`?` after a value"),
        ("naïve: 1", "a name outside ASCII"),
        ("__a: 1", "the name `__a`"),
        ("_: 1", "`_` as a label"),
        ("a: int + 1", "computing with a type"),
        ("let x = y\nlet y = x\na: x", "a `let` that needs itself"),
    ] {
        let found = refusal(policy);
        assert_eq!(found.problem, Problem::Unsupported(named.to_owned()), "{policy}");
    }
}

#[test]
fn a_refusal_names_line_and_column_and_shows_the_line() {
    let found = refusal("a: 1\nb: {\n  c: nowhere.d\n}");
    assert_eq!(found.problem, Problem::Unresolved("nowhere".to_owned()));
    assert_eq!((found.line, found.column), (3, 6));
    assert_eq!(found.to_string(), "line 3, column 6: reference `nowhere` not found\n    c: nowhere.d");
}

#[test]
fn what_is_no_cue_says_what_was_wanted() {
    for (policy, found, wanted) in [
        ("a: ]", "`]`", "a value"),
        ("a: {b: 1", "the end", "`}`"),
        ("a: \"x", "the end", "a closing quote"),
        ("a: 1 2", "`2`", "a comma or a new line"),
        ("a: *1", "a default mark", "more than one alternative"),
    ] {
        let syntax = Problem::Syntax { found: found.to_owned(), wanted: wanted.to_owned() };
        assert_eq!(refusal(policy).problem, syntax, "{policy}");
    }
}

#[test]
fn what_nothing_uses_is_refused() {
    assert_eq!(refusal("import \"strings\"\na: 1").problem, Problem::Unused("strings".to_owned()));
    assert_eq!(refusal("let x = 1\na: 1").problem, Problem::Unused("x".to_owned()));
    assert_eq!(refusal("let x = 1\nlet x = 2\na: x").problem, Problem::Redeclared("x".to_owned()));
}

#[test]
fn a_policy_that_contradicts_itself_is_refused() {
    let found = refusal("a: 1\na: 2");
    assert!(matches!(found.problem, Problem::Contradiction(_)));
    assert_eq!(found.line, 2);
}

#[test]
fn a_strangers_line_is_shown_escaped_and_short() {
    let found = refusal(&format!("a: \u{1b}[31m{}", "x".repeat(1000)));
    assert!(found.excerpt.len() <= 200 && !found.excerpt.contains('\u{1b}'), "{}", found.excerpt);
}
