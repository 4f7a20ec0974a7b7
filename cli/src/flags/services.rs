//! Which services take part in a signature: a certificate authority, logs, timestamp authorities.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use signer::{
    Services,
    token::{Tls, Web},
};
use url::Url;

use super::boolean;
use crate::{bounded_file, consent, exit::Failure};

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Services")]
pub(crate) struct ServiceFlags {
    /// A signing_config.json that names the services
    #[arg(long, value_name = "FILE", env = "COSIGN_SIGNING_CONFIG", conflicts_with = "use_signing_config")]
    signing_config: Option<PathBuf>,
    /// Take the signing config that comes with the trust material; without a key that is so anyway, unless URLs are
    /// given
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, env = "COSIGN_USE_SIGNING_CONFIG")]
    use_signing_config: Option<bool>,
    /// The certificate authority (Fulcio)
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_FULCIO_URL")]
    fulcio_url: Option<String>,
    /// The transparency log (Rekor v1)
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_REKOR_URL")]
    rekor_url: Option<String>,
    /// The timestamp authority (RFC 3161), with its whole path
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_TIMESTAMP_SERVER_URL")]
    timestamp_server_url: Option<String>,
    /// Whether to write to a transparency log; by default a key does so only where one is named
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", value_parser = boolean::parse, env = "COSIGN_TLOG_UPLOAD")]
    tlog_upload: Option<bool>,
    /// Certificate authorities to trust for the timestamp authority instead of the system's, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_TIMESTAMP_CLIENT_CACERT")]
    timestamp_client_cacert: Option<PathBuf>,
    /// Our certificate for the timestamp authority, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_TIMESTAMP_CLIENT_CERT", requires = "timestamp_client_key")]
    timestamp_client_cert: Option<PathBuf>,
    /// The key of that certificate, PEM
    #[arg(long, value_name = "FILE", env = "COSIGN_TIMESTAMP_CLIENT_KEY", requires = "timestamp_client_cert")]
    timestamp_client_key: Option<PathBuf>,
    /// The name in the timestamp authority's certificate, if it is not the one in its address
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new(), env = "COSIGN_TIMESTAMP_SERVER_NAME")]
    timestamp_server_name: Option<String>,
}

/// What the flags ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// The services that this file names.
    File(PathBuf),
    /// The services that come with the trust material.
    Trusted,
    /// These services, and no others.
    Urls(Urls),
}

/// Services by their addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Urls {
    pub(crate) authority: Option<String>,
    pub(crate) log: Option<String>,
    pub(crate) timestamps: Option<String>,
}

impl ServiceFlags {
    /// What is asked for, if the signature is by a certificate still to be issued, or not. `issuer` is the identity
    /// provider that was named.
    pub(crate) fn chosen(&self, by_identity: bool, issuer: Option<&str>) -> Result<Chosen, Failure> {
        let other = |given: Option<&str>, default| given.is_some_and(|url| url != default);
        let urls = other(self.fulcio_url.as_deref(), FULCIO)
            || other(self.rekor_url.as_deref(), REKOR)
            || other(issuer, ISSUER)
            || self.timestamp_server_url.is_some();
        if self.wants_config() && urls {
            return Err(Failure::failed("cannot specify service URLs and use signing config"));
        }
        if self.wants_config() && self.tlog_upload == Some(false) {
            return Err(Failure::failed("--tlog-upload=false is not supported with a signing config")
                .hint("a signing config without rekorTlogUrls writes to no log"));
        }
        let anything = urls || self.fulcio_url.is_some() || self.rekor_url.is_some() || self.tlog_upload.is_some();
        match (&self.signing_config, self.use_signing_config) {
            (Some(path), _) => Ok(Chosen::File(path.clone())),
            (None, Some(true)) => Ok(Chosen::Trusted),
            (None, None) if by_identity && !anything => Ok(Chosen::Trusted),
            (None, _) => {
                self.names_its_log(by_identity)?;
                Ok(Chosen::Urls(self.urls(by_identity)))
            }
        }
    }

    /// Whoever is certified by an authority of their own does not mean the public log.
    fn names_its_log(&self, by_identity: bool) -> Result<(), Failure> {
        let own = |url: &str| !Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(consent::is_public));
        let own = by_identity && self.fulcio_url.as_deref().is_some_and(own);
        match own && self.rekor_url.is_none() && self.tlog_upload != Some(false) {
            false => Ok(()),
            true => Err(Failure::failed(
                "--fulcio-url names an authority other than the public one, and no --rekor-url its log",
            )
            .hint("--rekor-url names a log, --tlog-upload=false writes to none, --signing-config names all services")),
        }
    }

    /// Timestamp authorities are not asked in a certain way where none is asked.
    pub(crate) fn fit(&self, services: &Services) -> Result<(), Failure> {
        let given = [
            ("--timestamp-client-cacert", self.timestamp_client_cacert.is_some()),
            ("--timestamp-client-cert", self.timestamp_client_cert.is_some()),
            ("--timestamp-server-name", self.timestamp_server_name.is_some()),
        ];
        match given.iter().find(|(_, given)| *given && !services.has_timestamps()) {
            None => Ok(()),
            Some((flag, _)) => Err(Failure::failed(format_args!("{flag} is given, and no timestamp authority"))
                .hint("--timestamp-server-url names one")),
        }
    }

    /// How timestamp authorities are asked, if not like the rest of the web.
    pub(crate) fn stamping(&self) -> Result<Option<Web>, Failure> {
        let reading = |why| Failure::failed(format_args!("timestamp authority: {why}"));
        let read = |path: &Option<PathBuf>| {
            path.as_deref().map(|path| bounded_file::read(path, MAX_KIB)).transpose().map_err(reading)
        };
        let (certificate, key) = (read(&self.timestamp_client_cert)?, read(&self.timestamp_client_key)?);
        let tls = Tls {
            authorities: read(&self.timestamp_client_cacert)?.map(|pem| pem.to_vec()),
            certificate: certificate.zip(key).map(|(certificate, key)| (certificate.to_vec(), key)),
            server_name: self.timestamp_server_name.clone(),
        };
        if tls.authorities.is_none() && tls.certificate.is_none() && tls.server_name.is_none() {
            return Ok(None);
        }
        Web::default().over(tls).map(Some).map_err(|why| Failure::failed(format_args!("timestamp authority: {why}")))
    }

    fn wants_config(&self) -> bool {
        self.signing_config.is_some() || self.use_signing_config == Some(true)
    }

    /// A certificate is worth nothing to a verifier without a log entry, so it gets one unless that is refused; a key
    /// writes to a log only where one is asked for.
    fn urls(&self, by_identity: bool) -> Urls {
        let or = |given: &Option<String>, default: &str| Some(given.clone().unwrap_or_else(|| default.to_owned()));
        let log = match self.tlog_upload {
            Some(false) => None,
            Some(true) => or(&self.rekor_url, REKOR),
            None if by_identity => or(&self.rekor_url, REKOR),
            None => self.rekor_url.clone(),
        };
        let authority = if by_identity { or(&self.fulcio_url, FULCIO) } else { None };
        Urls { authority, log, timestamps: self.timestamp_server_url.clone() }
    }
}

const MAX_KIB: u64 = 256;
const FULCIO: &str = "https://fulcio.sigstore.dev";
const REKOR: &str = "https://rekor.sigstore.dev";
/// Where people log in who name no identity provider.
pub(crate) const ISSUER: &str = "https://oauth2.sigstore.dev/auth";

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: ServiceFlags,
        #[arg(long)]
        issuer: Option<String>,
    }

    /// What a line asks for by identity, or by key; the words of its refusal.
    fn chosen(by_identity: bool, line: &str) -> Result<Chosen, String> {
        let line = Line::try_parse_from(["x"].into_iter().chain(line.split_whitespace())).map_err(|e| e.to_string())?;
        line.flags.chosen(by_identity, line.issuer.as_deref()).map_err(|failure| failure.message)
    }

    fn urls(authority: &str, log: &str, timestamps: &str) -> Result<Chosen, String> {
        let url = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Chosen::Urls(Urls { authority: url(authority), log: url(log), timestamps: url(timestamps) }))
    }

    #[test]
    fn key_writes_to_a_log_only_where_one_is_named() {
        assert_eq!(chosen(false, ""), urls("", "", ""));
        assert_eq!(chosen(false, "--use-signing-config=false"), urls("", "", ""));
        assert_eq!(chosen(false, "--tlog-upload=false --rekor-url https://a.test"), urls("", "", ""));
        assert_eq!(chosen(false, "--timestamp-server-url https://t.test"), urls("", "", "https://t.test"));
        assert_eq!(chosen(false, "--rekor-url https://a.test"), urls("", "https://a.test", ""));
        assert_eq!(chosen(false, "--tlog-upload"), urls("", REKOR, ""));
        assert_eq!(chosen(false, "--use-signing-config"), Ok(Chosen::Trusted));
        assert_eq!(chosen(false, "--signing-config c.json"), Ok(Chosen::File("c.json".into())));
    }

    #[test]
    fn identity_writes_to_a_log_unless_told_not_to() {
        assert_eq!(chosen(true, ""), Ok(Chosen::Trusted));
        assert_eq!(chosen(true, "--signing-config c.json"), Ok(Chosen::File("c.json".into())));
        assert_eq!(chosen(true, "--use-signing-config=false"), urls(FULCIO, REKOR, ""));
        assert_eq!(chosen(true, "--tlog-upload=false"), urls(FULCIO, "", ""));
        assert_eq!(chosen(true, "--issuer https://i.test"), urls(FULCIO, REKOR, ""));
        let all = "--fulcio-url https://f.test --rekor-url https://a.test --timestamp-server-url https://t.test";
        assert_eq!(chosen(true, all), urls("https://f.test", "https://a.test", "https://t.test"));
    }

    #[test]
    fn authority_of_ones_own_has_no_entry_in_the_public_log() {
        let refused = chosen(true, "--fulcio-url https://f.test").unwrap_err();
        assert!(refused.contains("no --rekor-url"), "{refused}");
        assert_eq!(chosen(true, "--fulcio-url https://f.test --tlog-upload"), Err(refused));
        assert_eq!(chosen(true, "--fulcio-url https://f.test --tlog-upload=false"), urls("https://f.test", "", ""));
        let public = "https://FULCIO.sigstore%2Edev./";
        assert_eq!(chosen(true, &format!("--fulcio-url {public}")), urls(public, REKOR, ""));
        assert_eq!(chosen(false, "--fulcio-url https://f.test --tlog-upload"), urls("", REKOR, ""));
    }

    #[test]
    fn manner_of_asking_a_timestamp_authority_goes_with_one() {
        let stamping = Services::none().with_timestamps("https://t.test").unwrap();
        for (flags, named) in [
            ("--timestamp-client-cacert a", "--timestamp-client-cacert is given"),
            ("--timestamp-client-cert a --timestamp-client-key b", "--timestamp-client-cert is given"),
            ("--timestamp-server-name a", "--timestamp-server-name is given"),
        ] {
            let line = Line::try_parse_from(["x"].into_iter().chain(flags.split(' '))).unwrap();
            let refused = line.flags.fit(&Services::none()).unwrap_err().message;
            assert!(refused.starts_with(named), "{refused}");
            assert!(line.flags.fit(&stamping).is_ok());
        }
        assert!(Line::try_parse_from(["x"]).unwrap().flags.fit(&Services::none()).is_ok());
    }

    #[test]
    fn signing_config_and_other_words_about_services_exclude_each_other() {
        for config in ["--use-signing-config", "--signing-config c.json"] {
            for url in ["--fulcio-url", "--rekor-url", "--timestamp-server-url", "--issuer"] {
                let found = chosen(true, &format!("{config} {url} https://a.test"));
                assert_eq!(found, Err("cannot specify service URLs and use signing config".to_owned()), "{url}");
            }
            let found = chosen(true, &format!("{config} --tlog-upload=false"));
            assert_eq!(found, Err("--tlog-upload=false is not supported with a signing config".to_owned()));
        }
        assert!(
            chosen(true, "--use-signing-config --signing-config c.json").unwrap_err().contains("cannot be used with")
        );
        assert_eq!(chosen(true, &format!("--use-signing-config --rekor-url {REKOR}")), Ok(Chosen::Trusted));
    }
}
