//! Any text as a Kubernetes manifest, a compose file and a Dockerfile: images and problems stand within the text, and
//! none of it is silently nothing.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use workload::{At, Form, Manifest, Object};

fuzz_target!(|text: &str| {
    let _ = Form::of_text(text);
    let arguments = BTreeMap::from([("TAG".to_owned(), "1".to_owned())]);
    for form in [Form::Kubernetes, Form::Compose, Form::Dockerfile] {
        let manifest = Manifest::read(form, text, &arguments);
        for mention in &manifest.mentions {
            assert!(!mention.image.is_empty() && !mention.path.is_empty(), "{form:?}: {mention:?}");
            is_within(text, mention.at);
        }
        manifest.problems.iter().for_each(|problem| is_within(text, problem.at));
    }
    if let Err(problem) = Object::read(text) {
        is_within(text, problem.at);
    }
});

fn is_within(text: &str, at: At) {
    let line = usize::try_from(at.line).expect("it is small");
    let found = text.split('\n').nth(line.wrapping_sub(1)).unwrap_or_else(|| panic!("{at} of {text:?}"));
    assert!((1..=found.chars().count() as u64 + 2).contains(&at.column), "{at}: {found:?}");
}
