//! What we want of our own figures, and whether it is so.

use std::fmt::Write as _;

use crate::{
    cases::{FLOOR, OURS, SCRYPT, SIGN, SLOW, VERIFY},
    keyless,
    run::Row,
};

/// A table of the goals; a goal whose command was not measured is left out.
pub(crate) fn table(rows: &[Row], megabytes: f64) -> String {
    let mut table = String::from("| goal | measured | wanted | |\n|---|---:|---:|---|\n");
    let mut line = |what: &str, unit: &str, measured: f64, wanted: f64| {
        let mark = if measured <= wanted { "met" } else { "missed" };
        writeln!(table, "| {what} | {measured:.1} {unit} | {wanted:.1} {unit} | {mark} |").expect("a string grows");
    };
    for row in rows.iter().filter(|row| row.who == OURS) {
        let what = format!("{}: {}", row.group, row.what);
        if let Some(wanted) = wall(row, rows) {
            line(&what, "ms", row.wall.median, wanted);
        }
        if row.group == VERIFY && !row.what.contains("50") {
            line(&what, "MiB", row.peak.median, 10.0);
        }
        if let (Some(found), Some(wanted)) = (row.requests, requests(row)) {
            line(&what, "requests", found.median, wanted);
        }
    }
    line("the program's file", "MB", megabytes, 20.0);
    table
}

/// The most wall time, in milliseconds.
fn wall(row: &Row, rows: &[Row]) -> Option<f64> {
    let scrypt = rows.iter().find(|row| row.group == FLOOR && row.what == SCRYPT);
    match (row.group, row.what.as_str()) {
        (VERIFY, "50 bundles, by tag") => Some(15.0),
        (VERIFY, "50 signatures, legacy, by tag") => None,
        (VERIFY, _) => Some(4.0),
        (SLOW, "legacy, by tag") => Some(70.0),
        (SLOW, "bundle, by tag") => Some(90.0),
        // one round trip fewer
        (SLOW, "legacy, by digest") => Some(50.0),
        (SLOW, "bundle, by digest") => Some(70.0),
        (SIGN, _) => Some(scrypt?.wall.median + 15.0),
        _ => None,
    }
}

/// The fewest requests that look at both kinds of signatures and fetch nothing twice: the image's manifest, the `.sig`
/// tag, the referrers, where there are none of those the fallback tag, and what each signature has of its own.
fn requests(row: &Row) -> Option<f64> {
    match row.group {
        VERIFY | SLOW if row.what.starts_with("50 bundles") => Some(3.0 + 2.0 * 50.0),
        VERIFY | SLOW if row.what.starts_with("50 signatures") => Some(3.0 + 50.0),
        VERIFY | SLOW if row.what.contains("fallback") => Some(4.0 + 2.0),
        VERIFY | SLOW | keyless::VERIFY if row.what.starts_with("bundle") => Some(3.0 + 2.0),
        VERIFY | SLOW | keyless::VERIFY if row.what.starts_with("legacy") => Some(3.0 + 1.0),
        _ => None,
    }
}
