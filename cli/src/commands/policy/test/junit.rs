//! Results as JUnit XML, which pipelines show.

use std::fmt::Write as _;

use super::Ran;
use crate::xml;

/// A suite for each file.
pub(super) fn document(runs: &[Ran]) -> String {
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sealgate policy test\">\n".to_owned();
    for run in runs {
        suite(run, &mut text);
    }
    text + "</testsuites>\n"
}

fn suite(run: &Ran, text: &mut String) {
    let failures = run.results.iter().filter(|(case, answer)| !case.faults(answer).is_empty()).count();
    let file = escaped(&run.file.display().to_string());
    let tests = run.results.len();
    add(text, format_args!("  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\">"));
    for (case, answer) in &run.results {
        let open = format!("    <testcase classname=\"{file}\" name=\"{}\"", escaped(&case.name));
        match &case.faults(answer)[..] {
            [] => add(text, format_args!("{open}/>")),
            faults => {
                let message = escaped(&faults.join("; "));
                let answer = escaped(&answer.lines.join("\n"));
                add(
                    text,
                    format_args!("{open}>\n      <failure message=\"{message}\">{answer}</failure>\n    </testcase>"),
                );
            }
        }
    }
    add(text, format_args!("  </testsuite>"));
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes all");
}

/// Characters that XML cannot hold become spaces.
fn escaped(text: &str) -> String {
    xml::escaped(text, ' ')
}
