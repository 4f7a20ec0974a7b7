//! The tables, in docs/benchmarks.md between two marks; what stands around them is written by hand.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    cases::{FLOOR, SIGN, SLOW, VERIFY},
    goals, keyless,
    machine::{self, Load},
    run::{Options, Row, Spread},
};

/// All that was measured.
pub(crate) fn text(rows: &[Row], sealgate: &Path, options: &Options, before: &Load) -> String {
    let after = Load::now();
    let ours = machine::megabytes(sealgate);
    let machine = machine::description();
    let mut text = format!("Machine: {machine}. Load before {before}, after {after}. Rounds: {}.\n", options.rounds);
    for group in [VERIFY, keyless::VERIFY, SLOW, SIGN, keyless::SIGN, FLOOR] {
        let rows = rows.iter().filter(|row| row.group == group).map(line).collect::<Vec<_>>();
        if !rows.is_empty() {
            write!(text, "\n### {group}\n\n{HEAD}{}", rows.concat()).expect("a string grows");
        }
    }
    write!(text, "\n### The programs' files\n\n{}", sizes(ours)).expect("a string grows");
    write!(text, "\n### Goals\n\n{}", goals::table(rows, ours)).expect("a string grows");
    text
}

/// Puts the text between the marks.
///
/// # Panics
/// If the document or its marks are missing.
pub(crate) fn write(text: &str) {
    let path = machine::root().join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).expect("the document is there");
    let (head, rest) = old.split_once(BEGIN).expect("the mark before the figures is there");
    let (_, tail) = rest.split_once(END).expect("the mark behind the figures is there");
    fs::write(&path, format!("{head}{BEGIN}\n{text}{END}{tail}")).expect("the document can be written");
    println!("written to {}", path.display());
}

fn line(row: &Row) -> String {
    let Row { what, who, wall, cpu, peak, requests, .. } = row;
    let Spread { min, median, max } = wall;
    let requests = requests.map_or_else(|| "–".to_owned(), |requests| requests.median.to_string());
    format!(
        "| {what} | {who} | {min:.1} / **{median:.1}** / {max:.1} | {:.1} | {:.1} | {requests} |\n",
        cpu.median, peak.median
    )
}

fn sizes(ours: f64) -> String {
    let mut table = format!("| program | MB |\n|---|---:|\n| sealgate | {ours:.1} |\n");
    for name in ["cosign-2", "cosign-3"] {
        let path = peers::find(name).expect("it was just run");
        writeln!(table, "| {name} | {:.1} |", machine::megabytes(&path)).expect("a string grows");
    }
    table
}

const HEAD: &str = "| what | program | wall ms, min / **median** / max | CPU ms | peak RSS MiB | requests |\n\
                    |---|---|---:|---:|---:|---:|\n";
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";
