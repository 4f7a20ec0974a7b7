//! One command, measured by the kernel: wall clock, CPU time, and the most memory it had.
//!
//! The peak of a process is never below that of the process it was forked from, so the measuring is done by a second,
//! small instance of this program, which is the floor in the tables.

use std::{
    env,
    hint::black_box,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use peers::Client;

/// What one run of a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak: u64,
}

/// Runs the command from that home, and measures it.
///
/// # Panics
/// With what it wrote, unless it ends with 0.
pub(crate) fn sample(client: &Client, program: &str, arguments: &[String]) -> Sample {
    let this = env::current_exe().expect("this program has a path");
    let all = ["measure", program].into_iter().chain(arguments.iter().map(String::as_str));
    let outcome = client.run(this.to_str().expect("a path in UTF-8"), all);
    assert_eq!(outcome.code, 0, "{program} {arguments:?}: {}", outcome.stderr);
    let figures = outcome.stdout.split_whitespace().map(|word| word.parse().expect("a number")).collect::<Vec<u64>>();
    let [wall, cpu, peak] = figures[..] else { panic!("{} are not three figures", outcome.stdout) };
    Sample { wall: Duration::from_nanos(wall), cpu: Duration::from_nanos(cpu), peak }
}

/// The small instance's whole work: ends as the command does.
pub(crate) fn child(program: &str, arguments: &[&str]) -> ! {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let ended = command.spawn().and_then(wait4::Wait4::wait4);
    let wall = start.elapsed();
    let ended = ended.unwrap_or_else(|error| panic!("{program}: {error}"));
    let used = ended.rusage;
    println!("{} {} {}", wall.as_nanos(), (used.utime + used.stime).as_nanos(), used.maxrss);
    std::process::exit(ended.status.code().unwrap_or(1))
}

/// What every program that opens cosign's key file pays, and nothing else.
pub(crate) fn scrypt() {
    let cost = scrypt::Params::new(16, 8, 1).expect("cosign's parameters");
    let mut key = [0; 32];
    scrypt::scrypt(b"password", &[7; 32], &cost, &mut key).expect("32 bytes can be had");
    black_box(key);
}
