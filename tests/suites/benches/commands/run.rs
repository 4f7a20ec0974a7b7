//! The rounds, and what their samples add up to.

use crate::{
    cases::Case,
    measure::{Sample, sample},
    scene::Scene,
};

/// What the person who started it asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) print: bool,
    pub(crate) rounds: usize,
    only: Option<String>,
}

impl Options {
    /// # Panics
    /// If a value is missing or is no number.
    pub(crate) fn parse(arguments: &[&str]) -> Self {
        let after = |name| {
            let at = arguments.iter().position(|argument| *argument == name)?;
            Some(*arguments.get(at + 1).unwrap_or_else(|| panic!("{name} wants a value")))
        };
        let rounds = after("--rounds").map_or(20, |text| text.parse().expect("--rounds wants a number"));
        assert!(rounds > 0, "no round measures nothing");
        Self { print: arguments.contains(&"--print"), rounds, only: after("--only").map(str::to_owned) }
    }
}

/// A command's figures.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) what: String,
    pub(crate) who: &'static str,
    pub(crate) wall: Spread,
    pub(crate) cpu: Spread,
    pub(crate) peak: Spread,
    pub(crate) requests: Option<Spread>,
}

/// The least, the middle and the most of some figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Self { min: figures[0], median: f64::midpoint(low, high), max: figures[figures.len() - 1] }
    }
}

/// Every command once in each round, so that a busy minute falls upon all of them; a first round warms up.
pub(crate) fn rows(scene: &Scene, mut cases: Vec<Case>, options: &Options) -> Vec<Row> {
    let wanted = |case: &Case| options.only.as_ref().is_none_or(|only| name(case).contains(only));
    cases.retain(wanted);
    let mut samples = cases.iter().map(|_| Vec::new()).collect::<Vec<_>>();
    for round in 0..=options.rounds {
        // Another one begins each time, so that nobody is always behind the same one.
        for turn in 0..cases.len() {
            let at = (turn + round) % cases.len();
            let taken = once(scene, &cases[at], round);
            if round > 0 {
                samples[at].push(taken);
            }
        }
        eprintln!("round {round} of {}", options.rounds);
    }
    cases.iter().zip(samples).map(|(case, samples)| row(case, &samples)).collect()
}

fn name(case: &Case) -> String {
    format!("{}: {}: {}", case.group, case.what, case.who)
}

fn once(scene: &Scene, case: &Case, round: usize) -> (Sample, usize) {
    let arguments = (case.arguments)(round);
    let requests = || case.registry.map_or(0, |registry| registry.requests().len());
    let before = requests();
    let sample = sample(scene.client(), case.program.to_str().expect("a path in UTF-8"), &arguments);
    (sample, requests() - before)
}

fn row(case: &Case, samples: &[(Sample, usize)]) -> Row {
    let spread = |figure: fn(&(Sample, usize)) -> f64| Spread::of(samples.iter().map(figure).collect());
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory and requests are far below 2^52")]
    let (peak, requests) = (spread(|(s, _)| s.peak as f64 / MIB), spread(|(_, requests)| *requests as f64));
    Row {
        group: case.group,
        what: case.what.clone(),
        who: case.who,
        wall: spread(|(sample, _)| sample.wall.as_secs_f64() * 1e3),
        cpu: spread(|(sample, _)| sample.cpu.as_secs_f64() * 1e3),
        peak,
        requests: case.registry.map(|_| requests),
    }
}

const MIB: f64 = 1024.0 * 1024.0;
