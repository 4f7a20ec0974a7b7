//! How long a thousand policies take: to load, to find the ten that are about an image, and to decide by them.
//!
//! `cargo bench -p policy --bench thousand` writes a table into docs/benchmarks.md; with `-- --print` it shows it.
#![expect(clippy::unwrap_used, reason = "in a measurement, a panic is a failure")]
#![expect(clippy::print_stdout, reason = "a measurement speaks to the person who started it")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

#[path = "../../verifier/benches/examine/document.rs"]
mod document;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/policies/writing.rs"]
mod writing;

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use keys::PrivateKey;
use oci::ImageRef;
use policy::{Findings, PolicySet, Selection, Verdict};
use verifier::UntrustedSignature;
use writing::{asker, by_key, evidence, image, key, legacy, matched, now};

fn main() {
    if !env::args().any(|argument| argument == "--bench") {
        println!("this is a measurement, not a test: cargo bench -p policy --bench thousand");
        return;
    }
    let text = table(&World::new());
    match env::args().any(|argument| argument == "--print") {
        true => println!("{text}"),
        false => println!("written to {}", document::write("decided", &text)),
    }
}

/// A thousand policies, each with a key of its own, ten of them about one image, which all ten keys have signed.
struct World {
    files: Vec<(String, String)>,
    set: PolicySet,
    findings: Findings,
    stranger: ImageRef,
}

impl World {
    fn new() -> Self {
        let keys: Vec<PrivateKey> = (0..POLICIES).map(|_| key()).collect();
        let about = |index: usize| match index % (POLICIES / MATCHING) {
            0 => "ghcr.io/acme/app@*".to_owned(),
            _ => format!("ghcr.io/team-{index}/**"),
        };
        let file = |(index, key): (usize, &PrivateKey)| {
            let spec = format!("images: [{{glob: \"{}\"}}], authorities: [{}]", about(index), by_key(key, ""));
            (format!("{index}.yaml"), writing::document(&format!("policy-{index}"), &spec))
        };
        let files: Vec<_> = keys.iter().enumerate().map(file).collect();
        let set = PolicySet::parse(&files).unwrap();
        let signers = keys.iter().step_by(POLICIES / MATCHING);
        let signatures: Vec<UntrustedSignature> = signers.map(|key| legacy(key, &image())).collect();
        let findings = evidence(&set, signatures);
        Self { files, set, findings, stranger: "registry.example/none:1".parse().unwrap() }
    }

    fn load(&self) {
        black_box(PolicySet::parse(&self.files).unwrap());
    }

    fn decide(&self) {
        let Verdict::Allow(approval) = matched(&self.set).decide(&self.findings, now()).unwrap() else {
            panic!("all ten are met")
        };
        assert_eq!(approval.met().len(), MATCHING);
    }

    fn select_nothing(&self) {
        let Selection::Matched(matched) = self.set.select(&self.stranger, Some(image().digest()), None, &asker())
        else {
            panic!("the digest is given")
        };
        assert!(matched.policies().is_empty());
    }
}

fn table(world: &World) -> String {
    let rows = [
        row("load and check 1,000 policies with a key each", 1_000_000.0, 1, || world.load()),
        row("select the 10 of 1,000 about an image, and decide by 10 signatures", 1_000.0, 100, || world.decide()),
        row("find that none of 1,000 is about an image", 1_000.0, 100, || world.select_nothing()),
    ];
    format!("Machine: {}. Rounds: {ROUNDS}.\n\n{HEAD}\n{}\n", document::machine(), rows.join("\n"))
}

fn row(what: &str, goal: f64, runs: u32, run: impl Fn()) -> String {
    run();
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| time(runs, &run)).collect();
    times.sort();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (min, median) = (micros(times[0]), micros(times[times.len() / 2]));
    let met = if median <= goal { "met" } else { "missed" };
    format!("| {what} | {min:.0} / **{median:.0}** | {goal:.0} {met} |")
}

/// Of one run, from several.
fn time(runs: u32, run: &impl Fn()) -> Duration {
    let begun = Instant::now();
    for _ in 0..runs {
        run();
    }
    begun.elapsed() / runs
}

const POLICIES: usize = 1_000;
const MATCHING: usize = 10;
const ROUNDS: usize = 21;
const HEAD: &str = "| what | µs, min / **median** | goal |\n|---|---:|---|";
