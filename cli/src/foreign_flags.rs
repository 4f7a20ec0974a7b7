//! Flags that cosign or Docker have and sealgate does not have yet: refused by name, on the command line and as
//! `COSIGN_<FLAG>` in the environment, never ignored.

use clap::error::{ContextKind, ContextValue};

use crate::exit::{Exit, Failure};

/// A command of another program, and its flags that are not here yet.
struct Foreign {
    command: &'static str,
    program: &'static str,
    /// The exit code that the other program gives for a wrong command line.
    usage: u8,
    flags: &'static [&'static [&'static str]],
}

/// The exit code for a command line that cannot be understood, by the command that was meant.
pub(crate) fn usage_code(error: &clap::Error) -> u8 {
    match meant() {
        None => Exit::Usage as u8,
        Some(Foreign { program: "docker", .. }) if is_about_operands(error) => Exit::Failed as u8,
        Some(foreign) => foreign.usage,
    }
}

/// Whether there are too many or too few operands: Docker's CLI tells that from a wrong flag by the exit code.
fn is_about_operands(error: &clap::Error) -> bool {
    let arguments = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => std::slice::from_ref(argument),
        Some(ContextValue::Strings(arguments)) => arguments.as_slice(),
        _ => return false,
    };
    !arguments.is_empty() && arguments.iter().all(|argument| !argument.starts_with('-'))
}

/// What to say of an unknown flag, if the command that was meant has it elsewhere.
pub(crate) fn explain(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let name = argument.trim_start_matches('-').split('=').next()?;
    let foreign = meant()?;
    let Foreign { command, program, .. } = foreign;
    foreign.has(name).then(|| {
        format!("error: {program}'s flag `{argument}` is not here yet\nhint: `sealgate {command} --help` lists what is")
    })
}

/// Refuses what cosign would have taken from the environment and this command would not.
pub(crate) fn refuse_environment() -> Result<(), Failure> {
    let Some(foreign) = meant().filter(|foreign| foreign.program == "cosign") else { return Ok(()) };
    let variable = |flag: &&str| format!("COSIGN_{}", flag.to_uppercase().replace('-', "_"));
    let is_set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let flags = foreign.flags.iter().copied().flatten().map(variable).chain([DOCKER_MEDIA_TYPES.to_owned()]);
    match flags.into_iter().find(is_set) {
        Some(name) => Err(Failure::failed(format_args!("{name} is set, and what it asks for is not here yet"))
            .hint(format_args!("unset {name}"))),
        None => Ok(()),
    }
}

impl Foreign {
    fn has(&self, flag: &str) -> bool {
        self.flags.iter().copied().flatten().any(|known| *known == flag)
    }
}

fn meant() -> Option<&'static Foreign> {
    let command = std::env::args().nth(1)?;
    FOREIGN.iter().find(|foreign| foreign.command == command)
}

const fn cosign(command: &'static str, flags: &'static [&'static [&'static str]]) -> Foreign {
    Foreign { command, program: "cosign", usage: Exit::Failed as u8, flags }
}

const FOREIGN: &[Foreign] = &[
    cosign("generate-key-pair", &[EVERYWHERE, &["kms"]]),
    cosign("import-key-pair", &[EVERYWHERE]),
    cosign("public-key", &[EVERYWHERE, TOKEN]),
    cosign("sign", &[EVERYWHERE, TOKEN, REGISTRY, SIGN]),
    cosign("attest", &[EVERYWHERE, TOKEN, REGISTRY]),
    cosign("sign-blob", &[EVERYWHERE, TOKEN]),
    cosign("attest-blob", &[EVERYWHERE, TOKEN]),
    cosign("verify", &[EVERYWHERE, TOKEN, REGISTRY, VERIFY, &["attachment", "payload", "signature"]]),
    cosign("verify-attestation", &[EVERYWHERE, TOKEN, REGISTRY, VERIFY, &["policy"]]),
    cosign("verify-blob", &[EVERYWHERE, TOKEN, VERIFY]),
    cosign("verify-blob-attestation", &[EVERYWHERE, TOKEN, VERIFY]),
    cosign("bundle", &[EVERYWHERE, TOKEN]),
    cosign("initialize", &[EVERYWHERE]),
    cosign("trusted-root", &[EVERYWHERE, OLDER_PARTS]),
    cosign("signing-config", &[EVERYWHERE]),
    cosign("triangulate", &[EVERYWHERE, REGISTRY]),
    cosign("version", &[EVERYWHERE]),
    Foreign {
        command: "pull",
        program: "docker",
        usage: 125,
        flags: &[&["all-tags", "a", "disable-content-trust", "tls", "tlscacert", "tlscert", "tlskey", "tlsverify"]],
    },
];

/// cosign's older way to say the same.
const OLDER_PARTS: &[&str] = &[
    "certificate-chain",
    "ctfe-end-time",
    "ctfe-key",
    "ctfe-start-time",
    "ctfe-url",
    "fulcio-uri",
    "rekor-end-time",
    "rekor-key",
    "rekor-start-time",
    "rekor-url",
    "timestamp-certificate-chain",
    "timestamp-uri",
];
const DOCKER_MEDIA_TYPES: &str = "COSIGN_DOCKER_MEDIA_TYPES";
const EVERYWHERE: &[&str] = &["output-file", "verbose", "d"];
const TOKEN: &[&str] = &["sk", "slot"];
const REGISTRY: &[&str] = &["attachment-tag-prefix", "k8s-keychain", "registry-server-name"];
const SIGN: &[&str] = &["attachment", "b64", "payload", "registry-referrers-mode", "sign-container-identity"];
const VERIFY: &[&str] = &["sct"];

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::arguments::Arguments;

    /// With the flags of every command, which are made only where they are needed.
    fn program() -> clap::Command {
        let mut program = Arguments::command();
        program.build();
        program
    }

    #[test]
    fn flag_that_is_here_is_not_called_missing() {
        let program = program();
        for foreign in FOREIGN {
            let command = program.find_subcommand(foreign.command).expect(foreign.command);
            let here: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
            let both: Vec<_> = here.iter().filter(|flag| foreign.has(flag)).collect();
            assert!(both.is_empty(), "{}: {both:?}", foreign.command);
        }
    }

    /// Flags that cosign has not, or whose variable is looked at elsewhere, or that change nothing.
    const OUR_OWN: [&str; 8] = [
        "generate-key-pair yes",
        "help",
        "format",
        "json",
        "trust-realm",
        "allow-insecure-registry",
        "allow-http-registry",
        "new-bundle-format",
    ];

    #[test]
    fn every_flag_of_cosigns_commands_is_taken_from_the_environment() {
        let program = program();
        for foreign in FOREIGN.iter().filter(|foreign| foreign.program == "cosign") {
            let command = program.find_subcommand(foreign.command).expect(foreign.command);
            let below = command.get_subcommands().flat_map(clap::Command::get_arguments);
            for flag in command.get_arguments().chain(below).filter(|flag| !flag.is_positional()) {
                let name = flag.get_long().expect("every flag has a long name");
                let variable = format!("COSIGN_{}", name.to_uppercase().replace('-', "_"));
                let taken = flag.get_env().is_some_and(|env| env == variable.as_str());
                let own = OUR_OWN.iter().any(|own| *own == name || *own == format!("{} {name}", foreign.command));
                assert!(taken || own, "{} --{name}: {variable} is ignored", foreign.command);
            }
        }
    }
}
