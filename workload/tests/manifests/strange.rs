//! Texts that nobody would write.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select};
use workload::{Form, Manifest};

/// Pieces of all three forms, in any order.
const PIECES: [&str; 46] = [
    "FROM ",
    "COPY ",
    "RUN ",
    "ARG ",
    "ONBUILD ",
    "ADD ",
    "--from=",
    "--mount=",
    "type=bind,",
    "from=",
    " AS ",
    "scratch",
    "0",
    "$",
    "${",
    "}",
    ":-",
    "A",
    "=",
    "\\",
    "`",
    "\n",
    "\r\n",
    "\r",
    "\u{2028}",
    " ",
    "\t",
    "#",
    "# syntax=",
    "# escape=`\n",
    "<<",
    "<<-EOF",
    "EOF\n",
    "'",
    "\"",
    "[",
    "]",
    "apiVersion: v1\n",
    "kind: Pod\n",
    "spec: {containers: [{image: a}]}\n",
    "services: ",
    "{a: {image: ",
    "---\n",
    "- ",
    "\u{e9}",
    "\u{feff}",
];

fn read(text: &str) {
    let arguments = BTreeMap::from([("A".to_owned(), "x".to_owned())]);
    for form in [Form::Kubernetes, Form::Compose, Form::Dockerfile] {
        let Manifest { mentions, problems, .. } = Manifest::read(form, text, &arguments);
        let lines = text.split('\n').count() as u64;
        let places = mentions.iter().map(|m| m.at).chain(problems.iter().map(|p| p.at));
        places.for_each(|at| assert!(at.line >= 1 && at.column >= 1 && at.line <= lines + 1, "{at} {text:?}"));
    }
    let _ = Form::of_text(text);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_read_to_an_end_with_places_in_it(pieces in vec(select(&PIECES[..]), 0..40)) {
        read(&pieces.concat());
    }

    #[test]
    fn so_are_texts_of_no_form(text in "\\PC*") {
        read(&text);
    }

    #[test]
    fn what_stands_in_a_comment_changes_nothing(comment in "[^\n\r=<]{0,30}") {
        let with = format!("FROM a\n# {comment}\nRUN x \\\n  # {comment}\n y\nFROM b\n");
        let manifest = Manifest::read(Form::Dockerfile, &with, &BTreeMap::new());
        let images: Vec<&str> = manifest.mentions.iter().map(|mention| mention.image.as_str()).collect();
        prop_assert_eq!(images, ["a", "b"]);
        prop_assert!(manifest.problems.is_empty());
    }
}
