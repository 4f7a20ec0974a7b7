//! The machine and the programs that were measured on it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// Builds our program as it is released, installs it in that folder, and says where it is.
///
/// A copy is what people run, and it starts a millisecond sooner than the linker's own file, which lies in the page
/// cache in small pieces.
pub(crate) fn install_sealgate(folder: &Path) -> PathBuf {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "-p", "cli"]).current_dir(root()).status();
    assert!(status.expect("cargo runs").success(), "the release build failed");
    let this = env::current_exe().expect("this program has a path");
    // target/release/deps/commands-…
    let built = this.ancestors().nth(2).expect("cargo's own folders").join("sealgate");
    let installed = folder.join("sealgate");
    fs::copy(built, &installed).expect("the program can be copied");
    installed
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// How busy the machine is: the average number of processes that want to run, over the last minute.
#[derive(Debug, Clone)]
pub(crate) struct Load(String);

impl Load {
    pub(crate) fn now() -> Self {
        let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self(text.split(' ').next().unwrap_or("?").to_owned())
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The processor and the kernel, in a few words.
pub(crate) fn description() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores, Linux {}", model.unwrap_or("unknown processor"), kernel.trim())
}

/// The size of a program's file in megabytes.
pub(crate) fn megabytes(program: &Path) -> f64 {
    let bytes = fs::metadata(program).expect("a program that was just run").len();
    // Programs are far smaller than what a f64 cannot count.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let bytes = bytes as f64;
    bytes / 1e6
}
