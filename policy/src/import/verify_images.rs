//! Rules of Kyverno's ClusterPolicy that verify images.
//!
//! Sets of attestors are all met, of a set as many entries as its `count` says: all where it says nothing. One of
//! several is a policy with several authorities, all of them are policies of their own; anything else is `require` of an
//! ImagePolicy.

use serde_json::json;

use super::{
    ImportError,
    attestor::{self, Defaults},
    draft::{Draft, pass},
    kyverno::{always, globs},
    matching::matching,
    need::{Need, Signer},
    sheet::Sheet,
    tree::At,
};

/// Imports the rules of a policy with this name, which is for one namespace or for all.
pub(super) fn policy(name: &str, namespace: Option<&str>, spec: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    if spec.text("failurePolicy")? == Some("Ignore") {
        let why = "an image about which nothing could be decided is refused";
        sheet.unsaid(&spec.place_of("failurePolicy"), "`failurePolicy: Ignore`", why, "");
    }
    let whole = [("applyRules", "`applyRules: One`", "One"), ("admission", "`admission: false`", "false")];
    for (name, what, value) in whole {
        if spec.field(name).is_some_and(|at| at.value.as_str().map_or(at.value.to_string(), str::to_owned) == value) {
            sheet.unsaid(&spec.place_of(name), what, "all rules hold, whenever an image is judged", "");
        }
    }
    let mut enforced = action(spec, "validationFailureAction")?.unwrap_or(false);
    for overriding in spec.list("validationFailureActionOverrides")? {
        let enforces = action(&overriding, "action")?.unwrap_or(false);
        let why = "a policy here has one mode for all namespaces, the stricter one";
        sheet.unsaid(&overriding.place, "another action for some namespaces", why, "");
        enforced |= enforces;
    }
    for rule in spec.list("rules")? {
        let rule_name = rule.text("name")?.unwrap_or_default();
        let entries = rule.list("verifyImages")?;
        if entries.is_empty() {
            let why = "it verifies no image, and policies here are about nothing else";
            sheet.unsaid(&rule.place, &format!("rule `{rule_name}`"), why, "keep it in Kyverno");
            continue;
        }
        let beside = rule.beside(&["name", "verifyImages", "match", "skipBackgroundRequests", "reportProperties"])?;
        always(&rule, &beside.iter().map(|(name, _)| *name).collect::<Vec<_>>(), sheet);
        let namespaces = matching(&rule, namespace, sheet)?;
        for entry in entries {
            verification(&format!("{name}-{rule_name}"), enforced, &namespaces, &entry, sheet)?;
        }
    }
    Ok(())
}

/// Whether a failure refuses.
fn action(at: &At<'_>, field: &str) -> Result<Option<bool>, ImportError> {
    let Some(text) = at.text(field)? else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "enforce" => Ok(Some(true)),
        "audit" => Ok(Some(false)),
        _ => Err(at.field(field).expect("it was read").shape("Enforce or Audit")),
    }
}

fn verification(
    name: &str,
    enforced: bool,
    namespaces: &[String],
    at: &At<'_>,
    sheet: &mut Sheet,
) -> Result<(), ImportError> {
    let enforced = action(at, "failureAction")?.unwrap_or(enforced);
    if !enforced {
        sheet.remark(&at.place, "`Audit`, also where nothing is said, has become `mode: warn`");
    }
    switches(at, sheet)?;
    let unknown = at.beside(&VERIFICATION)?;
    let mut patterns: Vec<(String, String)> = Vec::new();
    for pattern in at.list("imageReferences")?.into_iter().chain(at.field("image")) {
        patterns.push((pattern.place.clone(), pattern.as_text()?.to_owned()));
    }
    let globs = globs(&patterns, sheet);
    if globs.is_empty() {
        let (place, found) = (at.place_of("imageReferences"), "nothing".to_owned());
        return Err(ImportError::Shape { place, found, wanted: "a pattern" });
    }
    let draft = Draft::new(&at.place, name, globs, Need::Nobody);
    let draft = Draft { warn: !enforced, namespaces: namespaces.to_vec(), ..draft };
    let mut policies = Policies { draft, sheet, written: 0 };
    for (field, at) in unknown {
        policies.refuse(&at, &format!("`{field}`"));
    }
    let defaults = Defaults::read(at, None)?;
    for set in attestor_sets(at)? {
        policies.set(&set, &defaults)?;
    }
    for attestation in at.list("attestations")? {
        policies.attestation(at, &attestation)?;
    }
    if policies.written == 0 {
        policies.sheet.remark(&at.place, "asks for no signature, and has become `static: pass`");
        policies.write(Need::any(vec![pass()]));
    }
    Ok(())
}

/// What is said of digests and the like, which here is as it is.
fn switches(at: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    for (name, why) in [
        ("mutateDigest", "a tag is always resolved once and pinned"),
        ("verifyDigest", "what runs is always named by its digest"),
        ("required", "an image that a policy names must meet it"),
    ] {
        if at.flag(name)? == Some(false) {
            sheet.unsaid(&at.place_of(name), &format!("`{name}: false`"), why, "");
        }
    }
    always(at, &["skipImageReferences"], sheet);
    if at.flag("cosignOCI11")? == Some(true) {
        sheet.remark(&at.place_of("cosignOCI11"), "referrers are always read, and tags as well");
    }
    if let Some(credentials) = at.field("imageRegistryCredentials") {
        sheet.remark(&credentials.place, "credentials are those that Docker users have, see docs/registry.md");
    }
    Ok(())
}

/// The sets of attestors, that of the fields of older versions among them.
fn attestor_sets<'a>(at: &At<'a>) -> Result<Vec<AttestorSet<'a>>, ImportError> {
    let mut sets: Vec<AttestorSet<'a>> =
        at.list("attestors")?.iter().map(AttestorSet::read).collect::<Result<_, _>>()?;
    if ["key", "subject", "issuer", "roots", "additionalExtensions"].iter().any(|name| at.field(name).is_some()) {
        sets.push(AttestorSet { count: None, place: at.place.clone(), entries: vec![at.clone()] });
    }
    Ok(sets)
}

/// Entries, and how many of them must be met.
struct AttestorSet<'a> {
    place: String,
    count: Option<usize>,
    entries: Vec<At<'a>>,
}

impl<'a> AttestorSet<'a> {
    fn read(at: &At<'a>) -> Result<Self, ImportError> {
        let count = at.count("count")?.filter(|count| *count > 0);
        Ok(Self { place: at.place.clone(), count, entries: at.list("entries")? })
    }
}

/// Policies that all say something about the same images.
struct Policies<'a> {
    /// All of them but what they need.
    draft: Draft<'a>,
    sheet: &'a mut Sheet,
    written: usize,
}

impl Policies<'_> {
    fn write(&mut self, need: Need) {
        self.sheet.policy(Draft { need, ..self.draft.clone() });
        self.written += 1;
    }

    fn refuse(&mut self, at: &At<'_>, what: &str) {
        let why = "it has no counterpart, so that these images are refused";
        self.sheet.unsaid(&at.place, what, why, "write the policy by hand");
        self.write(Need::Nobody);
    }

    fn set(&mut self, set: &AttestorSet<'_>, defaults: &Defaults) -> Result<(), ImportError> {
        let need = self.need(set, defaults)?;
        self.write(need);
        Ok(())
    }

    fn need(&mut self, set: &AttestorSet<'_>, defaults: &Defaults) -> Result<Need, ImportError> {
        let mut parts = Vec::new();
        for entry in &set.entries {
            match entry.field("attestor") {
                Some(inner) => parts.push(self.need(&AttestorSet::read(&inner)?, defaults)?),
                None => parts.extend(attestor::entry(entry, defaults, self.sheet)?.into_iter().map(Need::from)),
            }
        }
        let wanted = set.count.unwrap_or(parts.len());
        if parts.is_empty() || wanted > parts.len() {
            self.sheet.unsaid(&set.place, "as many attestors", "there are fewer, so that these images are refused", "");
            return Ok(Need::Nobody);
        }
        if wanted == parts.len() {
            return Ok(Need::All(parts));
        }
        if parts.iter().flat_map(Need::signers).any(|signer| !signer.annotations.is_empty()) {
            let why =
                "whose signatures are there must have them on all of these, even where another attestor is enough";
            self.sheet.unsaid(&set.place, "annotations of some of several attestors", why, "");
        }
        Ok(if wanted == 1 { Need::Any(parts) } else { Need::AtLeast(wanted, self.counted(&set.place, parts)) })
    }

    /// Those that can be counted.
    fn counted(&mut self, place: &str, parts: Vec<Need>) -> Vec<Signer> {
        let mut signers = Vec::new();
        for part in parts {
            match part {
                Need::One(signer) => signers.push(signer),
                Need::Nobody => {}
                Need::All(_) | Need::Any(_) | Need::AtLeast(..) => {
                    let why = "is not counted among the others, so that it lets nothing in";
                    self.sheet.unsaid(place, "an attestor within attestors", why, "write the policy by hand");
                }
            }
        }
        signers
    }

    fn attestation(&mut self, verification: &At<'_>, at: &At<'_>) -> Result<(), ImportError> {
        for (field, unknown) in at.beside(&["name", "type", "predicateType", "attestors", "conditions"])? {
            self.refuse(&unknown, &format!("`{field}`"));
        }
        let kind = at.text("type")?.or(at.text("predicateType")?);
        let Some(kind) = kind else {
            let (place, found) = (at.place_of("type"), "nothing".to_owned());
            return Err(ImportError::Shape { place, found, wanted: "the type of a predicate" });
        };
        if let Some(conditions) = at.field("conditions")
            && *conditions.value != json!([])
        {
            let why = "JMESPath is not evaluated here, so that these images are refused";
            let hint = "say the same in the `policy` of an attestation, in CUE or Rego";
            self.sheet.unsaid(&conditions.place, "conditions on an attestation", why, hint);
            self.write(Need::Nobody);
        }
        let sets = at.list("attestors")?;
        if sets.is_empty() {
            let why = "nothing is believed that nobody signed, so that these images are refused";
            self.sheet.unsaid(&at.place, "an attestation by anybody", why, "name its attestors");
            self.write(Need::Nobody);
        }
        let defaults = Defaults::read(verification, Some(kind))?;
        sets.iter().try_for_each(|set| self.set(&AttestorSet::read(set)?, &defaults))
    }
}

/// The fields of an entry of `verifyImages` that have a meaning here or are told of.
const VERIFICATION: [&str; 20] = [
    "type",
    "image",
    "imageReferences",
    "skipImageReferences",
    "attestors",
    "attestations",
    "annotations",
    "repository",
    "cosignOCI11",
    "mutateDigest",
    "verifyDigest",
    "required",
    "useCache",
    "imageRegistryCredentials",
    "failureAction",
    "key",
    "roots",
    "subject",
    "issuer",
    "additionalExtensions",
];
