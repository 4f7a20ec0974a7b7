//! Any text as a policy file: its problems lie within the text; what is read says something of every image, and says
//! no yes without signatures where it wants some.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use oci::{Digest, ImageRef};
use policy::{Asker, Door, Findings, Matched, Needs, PolicySet, Resource, Selection, Verdict};
use rustls_pki_types::UnixTime;

fuzz_target!(|text: &str| {
    let files = [("policy.yaml".to_owned(), text.to_owned())];
    match policy::lint(&files, now()) {
        Ok(found) => found.iter().for_each(|finding| is_within(text, finding.line(), finding.column())),
        Err(errors) => errors.problems().iter().for_each(|problem| is_within(text, problem.line(), problem.column())),
    }
    let set = match PolicySet::parse(&files) {
        Ok(set) => set,
        Err(errors) => {
            assert!(!errors.problems().is_empty(), "a refusal has a reason");
            return errors.problems().iter().for_each(|problem| is_within(text, problem.line(), problem.column()));
        }
    };
    assert_eq!(PolicySet::parse(&files).map(|again| again.fingerprint()).ok(), Some(set.fingerprint()));
    let pod = Resource::new("v1", "Pod", [("app".to_owned(), "x".to_owned())].into());
    for image in IMAGES {
        let image: ImageRef = image.parse().expect("it names an image");
        for (object, asker) in [(None, nobody()), (Some(&pod), somebody())] {
            ask(&set, &image, object, &asker);
        }
    }
});

fn ask(set: &PolicySet, image: &ImageRef, object: Option<&Resource>, asker: &Asker) {
    let digest = Digest::of(b"image");
    let Selection::Matched(matched) = set.select(image, Some(&digest), object, asker) else {
        panic!("a digest is enough to tell which policies are about an image");
    };
    decide(&matched);
    if let Selection::Matched(undigested) = set.select(image, None, object, asker) {
        let names = |matched: &Matched<'_>| {
            matched.policies().iter().map(|policy| policy.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&undigested), names(&matched), "the digest was not needed");
        decide(&undigested);
    }
}

fn decide(matched: &Matched<'_>) {
    let needs = matched.needs();
    let verdict = matched.decide(&Findings::none(), now());
    if needs == Needs::Evidence {
        assert!(matched.inquiries().len() > 0, "whoever wants signatures says where they lie");
    }
    if let Ok(Verdict::Allow(approval)) = verdict {
        let says = approval.warnings().len() + approval.audited().len() + approval.reprieves().len();
        assert!(says + approval.met().len() > 0 || matched.policies().is_empty(), "a yes of nothing: {approval:?}");
    }
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000))
}

fn is_within(text: &str, line: u64, column: u64) {
    let line = usize::try_from(line).expect("it is small");
    let found = text.split('\n').nth(line.wrapping_sub(1)).unwrap_or_else(|| panic!("line {line} of {text:?}"));
    assert!((1..=found.chars().count() as u64 + 2).contains(&column), "column {column} of {found:?}");
}

fn nobody() -> Asker {
    Asker { door: Door::Check, user: None, namespace: None }
}

fn somebody() -> Asker {
    Asker { door: Door::Webhook, user: Some("system:admin".to_owned()), namespace: Some("default".to_owned()) }
}

const IMAGES: [&str; 4] = ["nginx", "ghcr.io/acme/app:1", "localhost:5000/a/b/c", "registry.example.com/x"];
