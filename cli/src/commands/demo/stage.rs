//! Where the demo plays: a temporary folder, an embedded registry, and this program run again for each step.

use std::{
    env,
    fs::OpenOptions,
    path::PathBuf,
    process::{ExitStatus, Stdio},
};

use oci::ImageRef;
use registry::{
    Client, Settings,
    serve::{self, Options},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command, task::JoinHandle};

use crate::{exit::Failure, output};

/// How a step must end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends<'a> {
    /// With this exit code.
    With(u8),
    /// With this exit code, and this among its words.
    Saying(u8, &'a str),
}

pub(crate) struct Stage {
    folder: TempDir,
    client: Client,
    registry: String,
    serving: JoinHandle<()>,
}

impl Stage {
    pub(crate) async fn set_up() -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let registry = listener.local_addr()?.to_string();
        let serving = tokio::spawn(async move {
            if let Err(error) = serve::serve(Options::default(), listener).await {
                output::note(format_args!("the embedded registry stopped: {error}"));
            }
        });
        let client = Client::new(Settings::default()).map_err(Failure::failed)?;
        Ok(Self { folder: tempfile::tempdir()?, client, registry, serving })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn image(&self, name: &str) -> ImageRef {
        format!("{}/{name}", self.registry).parse().expect("an address and a name are a reference")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A line of the story.
    pub(crate) fn say(&self, line: &str) {
        output::line(shortened(line));
    }

    pub(crate) fn chapter(&self, title: &str) {
        output::line(format_args!("\n{title}\n"));
    }

    /// Writes the policy that trusts the key in this file, and shows it.
    pub(crate) fn write_policy(&self, key: &str) -> Result<(), Failure> {
        let pem = std::fs::read_to_string(self.path(key))?;
        let indented: String = pem.lines().map(|line| format!("        {line}\n")).collect();
        let policy = format!(
            "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata:\n  name: shop\nspec:\n  \
             images:\n  - glob: \"{}/shop/**\"\n  authorities:\n  - name: team\n    key:\n      data: |\n{indented}",
            self.registry
        );
        std::fs::write(self.path("policy.yaml"), &policy)?;
        output::line("\n$ cat policy.yaml");
        policy.lines().for_each(|line| output::line(format_args!("  {line}")));
        Ok(())
    }

    /// Runs one command of this program and shows it with what it says.
    pub(crate) async fn step(&self, arguments: &[&str], ends: Ends<'_>) -> Result<(), Failure> {
        self.say(&format!("$ sealgate {}", arguments.join(" ")));
        let (status, said) = self.run(arguments).await?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            self.say(&format!("  {line}"));
        }
        let (want, words) = match ends {
            Ends::With(want) => (want, ""),
            Ends::Saying(want, words) => (want, words),
        };
        if want != 0 {
            output::line(format_args!("  (exit {want})"));
        }
        match code == Some(want) && said.contains(words) {
            true => Ok(()),
            false => Err(surprise(&format!("exit {code:?} found, wanted {want} and the words `{words}`"))),
        }
    }

    /// How a command ended, and its words from both streams in the order in which it said them.
    async fn run(&self, arguments: &[&str]) -> Result<(ExitStatus, String), Failure> {
        let transcript = self.path("transcript");
        std::fs::write(&transcript, "")?;
        let append = || OpenOptions::new().append(true).open(&transcript);
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments).current_dir(self.folder.path()).kill_on_drop(true);
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("COSIGN_") || name.starts_with("SEALGATE_") || name.starts_with("DOCKER_") {
                command.env_remove(name); // the user's settings are not part of the story
            }
        }
        command.env("COSIGN_PASSWORD", "").env("HOME", self.folder.path());
        let status = command.stdin(Stdio::null()).stdout(append()?).stderr(append()?).status().await?;
        Ok((status, std::fs::read_to_string(&transcript)?))
    }

    /// Leaves the folder where it is.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The demo did not go as it must.
pub(crate) fn surprise(what: &str) -> Failure {
    Failure::failed(format_args!("the demo did not go as it must: {what}"))
}

/// A line for reading: of 64 hexadecimal digits the first eight, of a long line the beginning.
fn shortened(line: &str) -> String {
    let mut out = String::new();
    for run in line.as_bytes().chunk_by(|a, b| a.is_ascii_hexdigit() == b.is_ascii_hexdigit()) {
        let text = String::from_utf8_lossy(run);
        match run.len() == 64 && run[0].is_ascii_hexdigit() {
            true => out.push_str(&format!("{}…", &text[..8])),
            false => out.push_str(&text),
        }
    }
    match out.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{} …", &out[..end]),
        None => out,
    }
}

const MAX_LINE: usize = 240;
