//! How long an examination takes, beside the signature checks in it that nobody can do without.
//!
//! `cargo bench -p verifier --bench examine` writes a table into docs/benchmarks.md; with `-- --print` it shows it. The
//! checks alone are as many signatures of the same kind over as many bytes, by keys that are parsed already, save for
//! the one key that only the evidence itself holds. Both are measured in turns, so that a busy moment falls upon both.
#![expect(clippy::unwrap_used, reason = "in a measurement, a panic is a failure")]
#![expect(clippy::print_stdout, reason = "a measurement speaks to the person who started it")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod cases;
mod checks;
mod document;
#[path = "../../tests/world/mod.rs"]
mod world;

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use cases::Case;

fn main() {
    if !env::args().any(|argument| argument == "--bench") {
        println!("this is a measurement, not a test: cargo bench -p verifier --bench examine");
        return;
    }
    let text = table();
    match env::args().any(|argument| argument == "--print") {
        true => println!("{text}"),
        false => println!("written to {}", document::write("examined", &text)),
    }
}

fn table() -> String {
    let before = document::machine();
    let rows: Vec<String> = cases::all().iter().map(row).collect();
    format!("Machine: {before}. Rounds: {ROUNDS} of {RUNS}.\n\n{HEAD}\n{}\n", rows.join("\n"))
}

fn row(case: &Case) -> String {
    case.examine(); // warms up, and fails if the evidence is not good
    let (mut whole, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        whole.push(time(|| case.examine()));
        alone.push(time(|| case.checks.run()));
    }
    let (whole, alone) = (Spread::of(whole), Spread::of(alone));
    let times = whole.median / alone.median;
    let goal = if times <= GOAL { "met" } else { "missed" };
    format!(
        "| {} | {} | {:.1} / **{:.1}** | {:.1} / **{:.1}** | {times:.2} | {GOAL} {goal} |",
        case.name,
        case.checks.len(),
        whole.min,
        whole.median,
        alone.min,
        alone.median
    )
}

/// Of one run, from several.
fn time<T>(run: impl Fn() -> T) -> Duration {
    let begun = Instant::now();
    for _ in 0..RUNS {
        black_box(run());
    }
    begun.elapsed() / RUNS
}

/// In microseconds.
struct Spread {
    min: f64,
    median: f64,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let micros = |time: &Duration| time.as_secs_f64() * 1e6;
        Self { min: micros(&times[0]), median: micros(&times[times.len() / 2]) }
    }
}

const HEAD: &str = "| evidence | signatures | examined, µs, min / **median** | checks alone, µs, min / **median** | times | goal |\n\
                    |---|---:|---:|---:|---:|---|";
const GOAL: f64 = 1.5;
const ROUNDS: usize = 41;
const RUNS: u32 = 50;
