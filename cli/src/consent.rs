//! What becomes of a name that is written into a public log, and whether its owner wants that.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use crate::{exit::Failure, output};

/// Says what is published, and fails if somebody at a terminal does not want that. With `--yes` nobody is asked.
pub(crate) fn ask(yes: bool) -> Result<(), Failure> {
    output::note(STATEMENT);
    output::note(CONFIRMATION);
    match yes || !io::stdin().is_terminal() {
        true => Ok(()),
        false => confirmed(),
    }
}

/// Whether a host, in lower case and without escapes, is of Sigstore's public instance, which publishes what it gets.
pub(crate) fn is_public(host: &str) -> bool {
    let rest = host.trim_end_matches('.').strip_suffix(PUBLIC);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn confirmed() -> Result<(), Failure> {
    output::prompt("Are you sure you would like to continue? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" => Ok(()),
        "" | "n" | "N" => Err(Failure::failed("user declined the prompt")),
        other => Err(Failure::failed(format_args!("invalid input {other:?} (allowed values y, n)"))),
    }
}

const MAX_ANSWER: u64 = 1024;
const PUBLIC: &str = "sigstore.dev";

/// Sigstore's own words, which are part of its terms.
const STATEMENT: &str = "
\tThe sigstore service, hosted by sigstore a Series of LF Projects, LLC, is provided pursuant to the Hosted Project \
Tools Terms of Use, available at https://lfprojects.org/policies/hosted-project-tools-terms-of-use/.
\tNote that if your submission includes personal data associated with this signed artifact, it will be part of an \
immutable record.
\tThis may include the email address associated with the account with which you authenticate your contractual Agreement.
\tThis information will be used for signing this artifact and will be stored in public transparency logs and cannot be \
removed later, and is subject to the Immutable Record notice at \
https://lfprojects.org/policies/hosted-project-tools-immutable-records/.
";
const CONFIRMATION: &str = "By typing 'y', you attest that (1) you are not submitting the personal data of any other \
person; and (2) you understand and agree to the statement and the Agreement terms at the URLs listed above.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_at_and_below_the_public_domain_are_public_and_no_others() {
        for host in ["sigstore.dev", "rekor.sigstore.dev", "log2025-1.rekor.sigstore.dev", "rekor.sigstore.dev."] {
            assert!(is_public(host), "{host}");
        }
        for host in ["", "sigstore.dev.a.test", "notsigstore.dev", "rekor.sigstage.dev", "127.0.0.1"] {
            assert!(!is_public(host), "{host}");
        }
    }
}
