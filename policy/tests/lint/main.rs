//! Policies that load and say something else than they seem to: each rule finds it, and finds nothing beside it.

mod image_policy;
mod rules;

use std::time::Duration;

use policy::{Finding, RULES, Severity, lint};
use rustls_pki_types::UnixTime;

/// The beginning of 2026.
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_767_225_600));

/// What is found in files of these texts.
fn look(texts: &[&str]) -> Vec<Finding> {
    let files: Vec<(String, String)> =
        texts.iter().enumerate().map(|(i, text)| (format!("{i}.yaml"), (*text).to_owned())).collect();
    lint(&files, NOW).unwrap_or_else(|errors| panic!("{errors}\n{}", texts.join("---\n")))
}

#[test]
fn finding_names_file_line_column_and_rule() {
    let first = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: a}\nspec:\n  \
                 images: [{glob: \"**\"}]\n  authorities: [{static: {action: fail}}]\n";
    let second = "# a comment\n---\napiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\n\
                  metadata: {name: b}\nspec:\n  images:\n  - glob: ghcr.io/acme/app*\n  authorities:\n  - static:\n      \
                  action: fail\n";
    let [found] = &look(&[first, second])[..] else { panic!("{:?}", look(&[first, second])) };
    assert_eq!((found.file(), found.line(), found.column(), found.policy()), ("1.yaml", 8, 11, "b"));
    assert_eq!(
        found.to_string(),
        "1.yaml:8:11: warning: sibling-glob: `ghcr.io/acme/app*` also matches `ghcr.io/acme/app-other`"
    );
    assert_eq!(
        found.hint(),
        "write `ghcr.io/acme/app@*` for that repository, `ghcr.io/acme/app/**` for those below it"
    );
}

#[test]
fn findings_come_in_the_order_of_files_and_lines() {
    let dead =
        rules::document("a", "images: [{glob: x*}, {glob: ghcr.io/a/b*}], authorities: [{static: {action: fail}}]");
    let live = rules::document("b", "images: [{glob: ghcr.io/c*}], authorities: [{static: {action: fail}}]");
    let found = look(&[&dead, &live]);
    let places: Vec<_> = found.iter().map(|f| (f.file(), f.line(), f.column())).collect();
    assert_eq!(places.len(), 3, "{found:?}");
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn files_that_do_not_load_have_problems_and_no_findings() {
    for text in ["kind: Nonsense\n", "", "a: [\n"] {
        assert!(lint(&[("a.yaml".to_owned(), text.to_owned())], NOW).is_err(), "{text}");
    }
}

#[test]
fn rules_have_names_of_their_own_and_say_what_they_are_about() {
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), RULES.len());
    for rule in RULES {
        assert!(!rule.about.is_empty() && rule.id.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric()), "{rule:?}");
    }
    assert!(RULES.iter().any(|rule| rule.severity == Severity::Note && rule.quirk.is_some()));
}

#[test]
fn words_of_a_file_cannot_move_a_cursor() {
    let text = rules::document(
        "a",
        r#"images: [{glob: "**"}], authorities: [{keyless: {identities: [{issuer: x, subjectRegExp: "\u001bab"}]}}]"#,
    );
    for found in look(&[&text]) {
        assert!(!found.to_string().contains('\u{1b}'), "{found:?}");
    }
}

#[test]
fn rules_stand_in_the_document_as_they_are() {
    let document = include_str!("../../../docs/policy-tools.md");
    for rule in RULES {
        let row =
            format!("| `{}` | {} | {} | {} |", rule.id, rule.severity, rule.quirk.unwrap_or_default(), rule.about);
        assert!(document.contains(&row), "wanted:\n{row}");
        let number = rule.quirk.map(|number| format!("\n| {number} | "));
        assert!(number.is_none_or(|number| document.contains(&number)), "{rule:?}: the number is not told of");
    }
    assert_eq!(document.matches("` | warning | ").count() + document.matches("` | note | ").count(), RULES.len());
}
