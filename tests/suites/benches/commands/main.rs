//! Whole commands from fork to exit, ours beside cosign's, on the same images in the same registry.
//!
//! `cargo bench -p suites --bench commands` builds the release program, starts the registries, measures, and writes
//! the tables in docs/benchmarks.md. Behind `--`: `--print` shows them instead, `--rounds N` asks for more or fewer
//! than twenty rounds, `--only TEXT` for the rows whose name holds the text. Needs cosign-2, cosign-3, crane and
//! registry-refs of tests/peers/install.sh, and curl.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement speaks to the person who started it")]

mod cases;
mod goals;
mod keyless;
mod machine;
mod measure;
mod report;
mod run;
mod scene;
mod services;

use std::{env, path::Path};

use peers::Sigstore;
use run::{Options, Row};
use scene::Scene;

fn main() {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["measure", program, rest @ ..] => measure::child(program, rest),
        ["scrypt"] => measure::scrypt(),
        all if all.contains(&"--bench") => bench(&Options::parse(all)),
        _ => println!("this is a measurement, not a test: cargo bench -p suites --bench commands"),
    }
}

fn bench(options: &Options) {
    peers::require!("cosign-2", "cosign-3", "crane", "registry-refs", "curl");
    let scene = Scene::set_up();
    let sealgate = machine::install_sealgate(scene.client().home());
    let before = machine::Load::now();
    let mut rows = run::rows(&scene, cases::all(&scene, &sealgate), options);
    rows.extend(signed_by_identity(&scene, &sealgate, options));
    let text = report::text(&rows, &sealgate, options, &before);
    match options.print {
        true => println!("{text}"),
        false => report::write(&text),
    }
}

/// Measured by itself: the servers of a private Sigstore work even when nobody asks them.
fn signed_by_identity(scene: &Scene, sealgate: &Path, options: &Options) -> Vec<Row> {
    if !peers::present(&Sigstore::PROGRAMS) {
        return Vec::new();
    }
    let sigstore = Sigstore::start();
    let mut cases = keyless::sign(scene, sealgate, &sigstore);
    cases.extend(services::floors(scene, &sigstore));
    run::rows(scene, cases, options)
}
