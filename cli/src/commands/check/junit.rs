//! Answers as JUnit XML: a test case for each image, a failure where it is denied, an error where it is undecided.

use policy::Verdict;

use super::{
    cases::{Answered, Subject},
    show,
};
use crate::xml;

/// The whole document.
pub(super) fn report(answered: &[Answered]) -> String {
    let denied = |one: &&Answered| matches!(&one.answer, Ok(judged) if matches!(judged.verdict, Verdict::Deny(_)));
    let (failures, errors) =
        (answered.iter().filter(denied).count(), answered.iter().filter(|one| one.answer.is_err()).count());
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", answered.len());
    let cases: String = answered.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sealgate check\" {counts}>\n  \
         <testsuite name=\"sealgate check\" skipped=\"0\" {counts}>\n{cases}  </testsuite>\n</testsuites>"
    )
}

fn case(one: &Answered) -> String {
    let place = one.case.places.first();
    let class = match (&one.case.subject, place) {
        (_, None) => "image".to_owned(),
        (_, Some(place)) => place.file(),
    };
    let file = place.map(|place| format!(" file=\"{}\" line=\"{}\"", escaped(&place.file()), place.at.line));
    let name = match one.case.subject {
        Subject::Image { .. } => one.case.name(),
        Subject::Unread(_) => format!("{} can be read", one.case.name()),
    };
    let lines = show::text(one).join("\n");
    let result = match &one.answer {
        Ok(judged) => match &judged.verdict {
            Verdict::Allow(_) => String::new(),
            Verdict::Deny(denial) => outcome("failure", "denied", &denial.headline(), &lines),
        },
        Err(open) => outcome("error", "undecided", &open.why, &lines),
    };
    let told = if result.is_empty() { format!("      <system-out>{}</system-out>\n", escaped(&lines)) } else { result };
    format!(
        "    <testcase name=\"{}\" classname=\"{}\"{}>\n{told}    </testcase>\n",
        escaped(&name),
        escaped(&class),
        file.unwrap_or_default()
    )
}

fn outcome(element: &str, kind: &str, message: &str, lines: &str) -> String {
    let (message, lines) = (escaped(message), escaped(lines));
    format!("      <{element} type=\"{kind}\" message=\"{message}\">{lines}</{element}>\n")
}

/// What XML has no way to say is left out by a mark.
fn escaped(text: &str) -> String {
    xml::escaped(text, '\u{fffd}')
}
