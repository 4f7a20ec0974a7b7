//! Whom a signature by certificate is expected from, as cosign's flags say it.

use clap::builder::NonEmptyStringValueParser;
use oci::excerpt;
use regex_syntax::hir::Look;
use verifier::{Identity, IdentityMatcher, TextMatcher};

use crate::{exit::Failure, output};

/// Empty text is refused: a variable that a pipeline forgot to set must not take a check away.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Identity")]
pub(crate) struct IdentityFlags {
    /// The signer's name in the certificate: an e-mail address, a URI
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_IDENTITY")]
    certificate_identity: Option<String>,
    /// A regular expression to be found in the signer's name; write ^ and $ where the ends are meant
    #[arg(long, value_name = "REGEXP", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_IDENTITY_REGEXP")]
    certificate_identity_regexp: Option<String>,
    /// Who vouched for the name: the identity provider's URL
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_OIDC_ISSUER")]
    certificate_oidc_issuer: Option<String>,
    /// A regular expression to be found in the identity provider's URL
    #[arg(long, value_name = "REGEXP", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_OIDC_ISSUER_REGEXP")]
    certificate_oidc_issuer_regexp: Option<String>,
    /// The event that started the GitHub workflow
    #[arg(long, value_name = "EVENT", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_GITHUB_WORKFLOW_TRIGGER")]
    certificate_github_workflow_trigger: Option<String>,
    /// The commit that the GitHub workflow ran on
    #[arg(long, value_name = "SHA", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_GITHUB_WORKFLOW_SHA")]
    certificate_github_workflow_sha: Option<String>,
    /// The GitHub workflow's name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_GITHUB_WORKFLOW_NAME")]
    certificate_github_workflow_name: Option<String>,
    /// The GitHub workflow's repository
    #[arg(long, value_name = "OWNER/NAME", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_GITHUB_WORKFLOW_REPOSITORY")]
    certificate_github_workflow_repository: Option<String>,
    /// The Git ref that the GitHub workflow ran on
    #[arg(long, value_name = "REF", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_CERTIFICATE_GITHUB_WORKFLOW_REF")]
    certificate_github_workflow_ref: Option<String>,
}

impl IdentityFlags {
    /// Whether any of the flags is given.
    pub(crate) fn is_given(&self) -> bool {
        let texts = [
            &self.certificate_identity,
            &self.certificate_identity_regexp,
            &self.certificate_oidc_issuer,
            &self.certificate_oidc_issuer_regexp,
        ];
        texts.into_iter().any(Option::is_some) || !self.workflow().is_empty()
    }

    /// Who is expected: always a name and who vouched for it. Warns of regular expressions that are open at an end.
    pub(crate) fn expected(&self) -> Result<ExpectedIdentity, Failure> {
        let subject = text(
            "--certificate-identity",
            self.certificate_identity.as_deref(),
            self.certificate_identity_regexp.as_deref(),
        )?;
        let issuer = text(
            "--certificate-oidc-issuer",
            self.certificate_oidc_issuer.as_deref(),
            self.certificate_oidc_issuer_regexp.as_deref(),
        )?;
        let workflow = self.workflow();
        let matcher = workflow.iter().fold(IdentityMatcher::new(issuer, subject), |matcher, fact| {
            matcher.with_extension(fact.extension, fact.wanted.clone())
        });
        Ok(ExpectedIdentity { matcher, workflow })
    }

    fn workflow(&self) -> Vec<WorkflowFact> {
        let flags = [
            (2, "trigger", &self.certificate_github_workflow_trigger),
            (3, "sha", &self.certificate_github_workflow_sha),
            (4, "name", &self.certificate_github_workflow_name),
            (5, "repository", &self.certificate_github_workflow_repository),
            (6, "ref", &self.certificate_github_workflow_ref),
        ];
        let fact = |(extension, name, flag): (u8, &'static str, &Option<String>)| {
            flag.clone().map(|wanted| WorkflowFact { extension, name, wanted })
        };
        flags.into_iter().filter_map(fact).collect()
    }
}

/// Whom a signature is expected from.
#[derive(Debug)]
pub(crate) struct ExpectedIdentity {
    matcher: IdentityMatcher,
    workflow: Vec<WorkflowFact>,
}

/// What a certificate must say of the GitHub workflow that asked for it.
#[derive(Debug)]
struct WorkflowFact {
    /// The last number of the extension's identifier.
    extension: u8,
    name: &'static str,
    wanted: String,
}

impl ExpectedIdentity {
    pub(crate) fn accepts(&self, identity: &Identity) -> bool {
        self.matcher.matches(identity)
    }

    /// What differs, for a message.
    pub(crate) fn difference(&self, identity: &Identity) -> String {
        let mut text = format!("signed by {}, wanted {}", excerpt(&identity.to_string(), MAX_TEXT), self.matcher);
        for fact in &self.workflow {
            let found = identity.extension(fact.extension);
            if found != Some(&fact.wanted) {
                let found = excerpt(found.unwrap_or("missing"), MAX_TEXT);
                text.push_str(&format!("; workflow {} is {found}, wanted {}", fact.name, fact.wanted));
            }
        }
        text
    }
}

/// Both must match where both are given, and one of them must be given.
fn text(flag: &str, exact: Option<&str>, pattern: Option<&str>) -> Result<TextMatcher, Failure> {
    let invalid = |flag: String| move |why| Failure::failed(format_args!("{flag}: {why}"));
    let found = pattern.map(TextMatcher::found).transpose().map_err(invalid(format!("{flag}-regexp")))?;
    if let Some(pattern) = pattern.filter(|pattern| !is_anchored(pattern)) {
        output::warn(format_args!(
            "{flag}-regexp `{pattern}` matches any text that it is found in; ^ and $ hold it at the ends"
        ));
    }
    match (exact, found) {
        (None, None) => {
            let message = format!("{flag} or {flag}-regexp is required for verification in keyless mode");
            Err(Failure::failed(message).hint("--key verifies a signature by key instead"))
        }
        (None, Some(pattern)) => Ok(pattern),
        (Some(exact), Some(pattern)) if !pattern.matches(exact) => Err(Failure::failed(format_args!(
            "{flag} is `{exact}`, which {flag}-regexp {pattern} does not match, wanted both to match"
        ))),
        (Some(exact), _) => TextMatcher::exact(exact).map_err(invalid(flag.to_owned())),
    }
}

/// Whether every match starts where the text starts and ends where it ends.
fn is_anchored(expression: &str) -> bool {
    regex_syntax::parse(expression).is_ok_and(|expression| {
        let properties = expression.properties();
        properties.look_set_prefix().contains(Look::Start) && properties.look_set_suffix().contains(Look::End)
    })
}

/// Bytes of a stranger's text in a message.
const MAX_TEXT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expression_is_anchored_if_every_match_is() {
        for anchored in ["^a$", "^(a|b)$", "^a$|^b$", r"\Aa\z", "^a.*$"] {
            assert!(is_anchored(anchored), "{anchored}");
        }
        for open in ["a", "^a", "a$", "^a|b$", r"^a\$", "(?m)^a$", "(^a)?b$", ""] {
            assert!(!is_anchored(open), "{open}");
        }
    }

    #[test]
    fn exact_text_and_pattern_must_both_match() {
        let refused = |exact, pattern| text("--x", exact, pattern).unwrap_err().message;
        let both = text("--x", Some("alice"), Some("^al")).unwrap();
        assert!(both.matches("alice") && !both.matches("alfred"));
        assert!(text("--x", None, Some("^al")).unwrap().matches("alfred"));
        assert!(refused(Some("alice"), Some("^bo")).contains("wanted both to match"));
        assert!(refused(None, None).contains("is required"));
        assert!(refused(Some("alice"), Some("(")).starts_with("--x-regexp: not a regular expression"));
    }
}
