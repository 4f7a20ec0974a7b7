//! One authority of a policy: a key, identities, or a fixed answer, and what goes with it.
//!
//! All of it is read and validated; what cannot be evaluated is named, so that the policy is not ready.

use keys::{PublicKey, SignatureHash};
use oci::{Repository, location::TagPrefix};
use verifier::{Demands, Format, IdentityMatcher, TextMatcher};

use crate::{
    image_policy::Conditions,
    kms,
    model::{AttestationRule, Authority, By, Lies, Material, NotReady, Requirement, RootName, SignatureRule},
    object::{Object, Text},
    problem::{Objection, Why, excerpt},
    program::attestation_policy,
    pull_secrets::PullSecrets,
    references::{Context, Referent},
};

/// The fields of an authority.
pub(crate) const FIELDS: [&str; 9] =
    ["name", "key", "keyless", "static", "source", "ctlog", "rfc3161timestamp", "attestations", "signatureFormat"];

/// How regular expressions for identities are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regexes {
    /// Found anywhere, as ClusterImagePolicy has it.
    Found,
    /// Matching from end to end, as ImagePolicy has it.
    Whole,
}

/// Reads the authority at this index of its list.
pub(crate) fn authority<'a>(
    entry: &Object<'a>,
    index: usize,
    regexes: Regexes,
    context: &mut Context<'_, 'a>,
) -> Authority {
    let name = entry.text("name").map_or_else(|| format!("authority-{index}"), |text| text.value.to_owned());
    entry.exactly_one(&["key", "keyless", "static"], &["key", "keyless", "static"]);
    let format = format(entry);
    let key = entry.object("key", &KEY_FIELDS).and_then(|object| key(&object, context));
    let keyless = entry.object("keyless", &KEYLESS_FIELDS).map(|object| keyless(&object, regexes, context));
    let fixed = entry.object("static", &["action", "message"]).map(|object| fixed(entry, &object));
    let lies = lies(entry, context);
    let vouchers = Vouchers::read(entry);
    let attestations = attestations(entry, context);
    let conditions = if regexes == Regexes::Whole { Conditions::read(entry) } else { Conditions::default() };
    let rule = |by, hash, (material, demands)| {
        let conditions = Box::new(conditions);
        SignatureRule { by, hash, format, material, lies, demands, attestations, conditions }
    };
    let requirement = match (key, keyless, fixed) {
        (Some((key, hash)), None, None) => Requirement::Signature(rule(By::Key(key), hash, vouchers.of_a_key())),
        (None, Some(keyless), None) if !keyless.identities.is_empty() => {
            let needs = vouchers.of_an_identity(&keyless);
            Requirement::Signature(rule(By::Identities(keyless.identities), None, needs))
        }
        (None, None, Some(fixed)) => fixed,
        _ => Requirement::Unsupported,
    };
    Authority { name, requirement }
}

fn format(entry: &Object<'_>) -> Option<Format> {
    let text = entry.text("signatureFormat")?;
    match text.value {
        "legacy" => Some(Format::Legacy),
        value => {
            text.expect(value == "bundle", "bundle or legacy");
            Some(Format::Bundle)
        }
    }
}

/// The key itself, or nothing where it is not at hand; and the hash that it must sign with, if one is named.
fn key(object: &Object<'_>, context: &mut Context<'_, '_>) -> Option<(PublicKey, Option<SignatureHash>)> {
    let secret = key_reference(object);
    if object.given("kms") {
        context.unsupported.push(object.path_of("kms"));
    }
    let hash = hash(object, context);
    let key = match (object.text("data"), secret) {
        (Some(text), _) => PublicKey::from_pem(text.value.as_bytes()).map_err(|why| text.refuse(Why::Key(why))).ok(),
        (None, Some(secret)) => secret.key(context).map_err(|lack| context.lacks.push(lack)).ok(),
        (None, None) => None,
    };
    key.map(|key| (key, hash))
}

/// Upstream reads the absence of a name as `sha256`; here it leaves the choice to whoever signs, since cosign signs with
/// another one by some keys.
fn hash(object: &Object<'_>, context: &mut Context<'_, '_>) -> Option<SignatureHash> {
    let text = object.text("hashAlgorithm")?;
    match text.value.trim().to_ascii_lowercase().as_str() {
        "sha256" => return Some(SignatureHash::Sha256),
        "sha384" => return Some(SignatureHash::Sha384),
        "sha512" => return Some(SignatureHash::Sha512),
        "sha224" => context.unsupported.push(text.path),
        _ => text.expect(false, "sha224, sha256, sha384 or sha512"),
    }
    None
}

/// A Secret, as `secretRef` names it.
struct SecretName<'a> {
    name: Text<'a>,
    namespace: Option<&'a str>,
}

impl SecretName<'_> {
    /// The public key in it.
    fn key(&self, context: &Context<'_, '_>) -> Result<PublicKey, NotReady> {
        let pem = context.references.secret(&self.name, self.namespace)?;
        PublicKey::from_pem(pem.as_bytes()).map_err(|why| {
            let why = format!("Secret {} holds no public key: {why}", excerpt(self.name.value));
            NotReady::UnusableReference { field: self.name.path.clone(), why }
        })
    }
}

/// Where a key or certificate is to be had: exactly one place, well formed. The Secret, if it is one.
fn key_reference<'a>(object: &Object<'a>) -> Option<SecretName<'a>> {
    object.exactly_one(&["data", "kms", "secretRef"], &["data", "kms", "secretref"]);
    if let Some(text) = object.text("kms")
        && let Err(wanted) = kms::check(text.value)
    {
        text.refuse(Why::Wanted(wanted));
    }
    let secret = object.object("secretRef", &["name", "namespace"])?;
    let (name, namespace) = (secret.required_text("name"), secret.text("namespace"));
    Some(SecretName { name: name?, namespace: namespace.map(|text| text.value) })
}

/// Whom an authority expects, and whose word for it counts.
struct Keyless {
    identities: Vec<IdentityMatcher>,
    root: RootName,
    ignore_sct: bool,
}

fn keyless(object: &Object<'_>, regexes: Regexes, context: &mut Context<'_, '_>) -> Keyless {
    object.at_most_one(&["ca-cert", "url"]);
    url(object, "url");
    if let Some(certificate) = object.object("ca-cert", &KEY_FIELDS) {
        if let Some(secret) = key_reference(&certificate) {
            context.references.mark(Referent::Secret, secret.name.value);
        }
        certificate.text("data");
        certificate.text("hashAlgorithm");
        context.unsupported.push(object.path_of("ca-cert"));
    }
    let root = object.text("trustRootRef").map_or(RootName::Default, |text| named(&text));
    Keyless { identities: identity_matchers(object, regexes), root, ignore_sct: object.flag("insecureIgnoreSCT") }
}

/// The `identities` of an object, at least one.
pub(crate) fn identity_matchers(object: &Object<'_>, regexes: Regexes) -> Vec<IdentityMatcher> {
    let identities = object.objects("identities", &["issuer", "issuerRegExp", "subject", "subjectRegExp"]);
    if !object.has("identities") {
        object.object_to(object.at(), Objection::MissingList { path: object.path_of("identities") });
    } else if identities.is_empty() {
        object.object_to(object.at(), Objection::Missing { paths: vec![object.path_of("identities")] });
    }
    let matcher = |identity: &Object<'_>| {
        let issuer = text_matcher(identity, "issuer", "issuerRegExp", regexes);
        let subject = text_matcher(identity, "subject", "subjectRegExp", regexes);
        Some(IdentityMatcher::new(issuer?, subject?))
    };
    identities.iter().filter_map(matcher).collect()
}

/// Either the exact text or the regular expression.
fn text_matcher(identity: &Object<'_>, exact: &str, regex: &str, regexes: Regexes) -> Option<TextMatcher> {
    let found = identity.text(exact);
    let pattern = identity.text(regex);
    let paths = identity.paths_of(&[exact, regex]);
    match (&found, &pattern) {
        (None, None) => identity.object_to(identity.at(), Objection::Missing { paths }),
        (Some(_), Some(_)) => identity.object_to(identity.at(), Objection::Both { paths }),
        _ => {}
    }
    let pattern = pattern.and_then(|text| pattern_matcher(&text, regexes));
    pattern.or_else(|| TextMatcher::exact(found?.value).ok())
}

fn pattern_matcher(text: &Text<'_>, regexes: Regexes) -> Option<TextMatcher> {
    let words = |why: String| {
        let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        text.refuse(Why::Regex(last));
    };
    if let Err(why) = regex_syntax::parse(text.value) {
        words(why.to_string());
        return None;
    }
    let matcher = match regexes {
        Regexes::Found => TextMatcher::found(text.value),
        Regexes::Whole => TextMatcher::whole(text.value),
    };
    matcher.map_err(|why| words(why.to_string())).ok()
}

fn fixed(entry: &Object<'_>, object: &Object<'_>) -> Requirement {
    for other in ["attestations", "ctlog", "rfc3161timestamp", "source"] {
        if entry.given(other) {
            entry.object_to(entry.at(), Objection::Both { paths: entry.paths_of(&[other, "static"]) });
        }
    }
    let message = object.text("message").map(|text| text.value.to_owned()).unwrap_or_default();
    let action = object.required_text("action");
    if let Some(text) = &action {
        text.expect(matches!(text.value, "pass" | "fail"), "pass or fail");
    }
    match action.map(|text| text.value) {
        Some("pass") => Requirement::Pass,
        _ => Requirement::Fail { message },
    }
}

/// Where the signatures lie: at most one place.
fn lies(entry: &Object<'_>, context: &mut Context<'_, '_>) -> Lies {
    let sources = entry.objects("source", &["oci", "signaturePullSecrets", "tagPrefix"]);
    if sources.len() > 1 {
        let objection = Objection::invalid(&sources.len().to_string(), entry.path_of("source"), Why::Sources);
        entry.object_to(entry.at_field("source"), objection);
    }
    let mut lies = Lies::default();
    for source in &sources {
        if let Some(text) = source.text("oci") {
            text.expect(is_place(&text), "a repository or a registry's host");
            lies.stored_in = text.value.parse().ok();
            // A host alone says nothing about where on it.
            context.unsupported.extend(is_host(text.value).then(|| source.path_of("oci")));
        }
        if let Some(text) = source.text("tagPrefix") {
            let prefix = text.value.parse::<TagPrefix>();
            text.expect(prefix.is_ok(), "what can begin a tag and leaves room for the rest of it");
            lies.prefix = prefix.unwrap_or_default();
        }
        let named = source.objects("signaturePullSecrets", &["name"]);
        let names: Vec<Text<'_>> = named.iter().filter_map(|secret| secret.required_text("name")).collect();
        match PullSecrets::read(&names, context.references) {
            Ok(secrets) => lies.secrets = secrets,
            Err(lack) => context.lacks.push(lack),
        }
    }
    lies
}

/// Whether it is a registry's host and names no repository there.
pub(crate) fn is_host(text: &str) -> bool {
    !text.contains('/') && (text.contains(['.', ':']) || text == "localhost")
}

fn is_place(text: &Text<'_>) -> bool {
    text.value.parse::<Repository>().is_ok() || format!("{}/x", text.value).parse::<Repository>().is_ok()
}

/// Who else must vouch for a signature: `ctlog` and `rfc3161timestamp`.
struct Vouchers {
    log: Option<RootName>,
    clock: Option<RootName>,
}

impl Vouchers {
    fn read(entry: &Object<'_>) -> Self {
        let log = entry.object("ctlog", &["url", "trustRootRef"]).map(|log| {
            url(&log, "url");
            log.text("trustRootRef").map_or(RootName::Default, |text| named(&text))
        });
        let clock = entry.object("rfc3161timestamp", &["trustRootRef"]);
        let clock = clock.map(|clock| clock.text("trustRootRef").map_or(RootName::Default, |text| named(&text)));
        Self { log, clock }
    }

    /// A key needs nobody else. A timestamp, where one is asked for, stands in for the log, as upstream.
    fn of_a_key(self) -> (Material, Demands) {
        let log_entry = self.log.is_some() && self.clock.is_none();
        let demands = Demands { log_entry, certificate_log: false, timestamp: self.clock.is_some() };
        (Material { authorities: None, logs: self.log, clocks: self.clock }, demands)
    }

    /// An identity under the default root is logged in the default logs, unless others are named. Under a root of its
    /// own without a log, only a timestamp tells the time at which its certificate counted.
    fn of_an_identity(self, keyless: &Keyless) -> (Material, Demands) {
        let default = Some(RootName::Default).filter(|default| keyless.root == *default);
        let logs = self.log.or(default);
        let log_entry = logs.is_some() && self.clock.is_none();
        let demands = Demands { log_entry, certificate_log: !keyless.ignore_sct, timestamp: self.clock.is_some() };
        let clocks = self.clock.or_else(|| Some(keyless.root.clone()));
        (Material { authorities: Some(keyless.root.clone()), logs, clocks }, demands)
    }
}

fn named(text: &Text<'_>) -> RootName {
    RootName::Named(text.value.to_owned())
}

fn attestations<'a>(entry: &Object<'a>, context: &mut Context<'_, 'a>) -> Vec<AttestationRule> {
    let entries = entry.objects("attestations", &["name", "predicateType", "policy"]);
    let rule = |attestation: &Object<'a>| {
        let name = attestation.required_text("name");
        let kind = attestation.required_text("predicateType");
        let condition = attestation_policy(attestation, context);
        Some(AttestationRule {
            name: name?.value.to_owned(),
            predicate_type: long_name(kind?.value).to_owned(),
            condition,
        })
    };
    entries.iter().filter_map(rule).collect()
}

/// The predicate type that cosign means by a short name; other texts mean themselves.
pub(crate) fn long_name(text: &str) -> &str {
    SHORT_NAMES.iter().find(|(short, _)| *short == text).map_or(text, |(_, long)| long)
}

const SHORT_NAMES: [(&str, &str); 10] = [
    ("custom", "https://cosign.sigstore.dev/attestation/v1"),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance1", "https://slsa.dev/provenance/v1"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("link", "https://in-toto.io/Link/v1"),
    ("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"),
    ("openvex", "https://openvex.dev/ns"),
];

/// A URL that is never contacted by this version, so that its characters are all there is to check.
fn url(object: &Object<'_>, name: &str) {
    if let Some(text) = object.text(name) {
        let good = text.value.chars().all(|c| !c.is_control() && !c.is_whitespace());
        text.expect(good, "a URL without blanks and control characters");
    }
}

const KEY_FIELDS: [&str; 4] = ["data", "kms", "secretRef", "hashAlgorithm"];
const KEYLESS_FIELDS: [&str; 5] = ["url", "ca-cert", "identities", "trustRootRef", "insecureIgnoreSCT"];
