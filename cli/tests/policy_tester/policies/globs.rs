//! Which images a policy is about.

use serde_json::{Value, json};

use super::pass;
use crate::{case::Case, shelf::Shelf};

pub(super) fn cases(shelf: &Shelf) -> Vec<Case> {
    let registry = shelf.registry();
    let of = |name, globs: &[&str]| {
        let images: Vec<Value> = globs.iter().map(|glob| json!({ "glob": glob })).collect();
        Case::new(name, &[pass()]).with("images", json!(images)).few()
    };
    let here = |rest: &str| format!("{registry}/{rest}");
    vec![
        of("glob-everything", &["**"]).alike(),
        of("glob-star", &["*"]).alike(),
        of("glob-star-slash-star", &["*/*"]).alike(),
        of("glob-three-parts", &["*/*/*"]).alike(),
        of("glob-three-stars", &["***"]).alike(),
        of("glob-registry", &[&here("**")]).alike(),
        of("glob-any-port", &["127.0.0.1:*/**"]).alike(),
        of("glob-other-host", &["localhost:*/**", "index.docker.io/**"]).alike(),
        of("glob-path", &[&here("shop/*")]).alike(),
        of("glob-one-level", &[&here("*")]).alike(),
        of("glob-repository", &[&here("shop/key")]).alike(),
        of("glob-repository-at", &[&here("shop/key@*")]),
        of("glob-repository-star", &[&here("shop/un*")]),
        of("glob-algorithm", &[&here("shop/index@sha256:*")]),
        of("glob-digest", &[shelf.reference("key")]),
        of("glob-tag", &[&here("shop/key:1")]).alike(),
        of("glob-any-tag", &[&here("shop/key:*")]).alike(),
        of("glob-end", &["**/key@*"]),
        of("glob-middle", &["**unsigned**"]),
        of("glob-star-in-front", &["*/key@*"]).alike(),
        of("glob-inner-stars", &["127.0.0.1:*/**/key@**"]),
        of("glob-dots", &["127x0.0.1:*/**"]).alike(),
        of("glob-upper-case", &[&here("SHOP/**")]).alike(),
        of("glob-two", &[&here("shop/key@*"), &here("shop/index@*")]),
        of("glob-brackets", &[&here("shop/[k]ey@*")]).alike(),
        of("glob-question-mark", &[&here("shop/?ey@*")]).alike(),
        of("glob-braces", &["**/{key,index}@*"]).alike(),
        of("glob-blank", &["** "]).alike(),
        of("glob-empty", &[""]).alike(),
    ]
}
