//! containers-policy.json(5): the most specific scope decides there, every policy that matches must be met here.
//!
//! So what a scope asks is asked of all that lies below it too. A scope that rejects is no policy at all where nothing
//! above it lets anything in, since an image that no policy names is refused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    ImportError, Imported,
    draft::{Draft, fail, pass},
    need::Need,
    registries::{Beside, Registries},
    scope::Scope,
    sheet::Sheet,
    sigstore_signed::{self, Signed},
    tree::{At, documents},
};

/// A `policy.json` and what it refers to.
#[derive(Debug, Clone, Copy)]
pub struct ContainerPolicy<'a> {
    /// The name of the file, for messages.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The texts of the files that [`key_files`] names, those that could be read.
    pub files: &'a BTreeMap<String, String>,
    /// The files of registries.d, each with its name and text; none where they have no say.
    pub registries: Option<&'a [(String, String)]>,
}

/// The files that a `policy.json` refers to, by path as it stands there.
///
/// # Errors
/// Fails on a text that is no `policy.json`.
pub fn key_files(name: &str, text: &str) -> Result<Vec<String>, ImportError> {
    let document = document(name, text)?;
    let (_, scopes) = transports(&At::top(name, &document))?;
    let mut paths = Vec::new();
    for (_, list) in scopes {
        for Requirement { kind, at } in requirements(&list)? {
            if kind == Kind::Sigstore {
                paths.extend(sigstore_signed::paths(&at)?);
            }
        }
    }
    paths.sort_unstable();
    paths.dedup();
    Ok(paths)
}

/// Imports a `policy.json`.
///
/// # Errors
/// Fails on a text that is no `policy.json`, and on files of registries.d that are none.
pub fn container_policy(source: &ContainerPolicy<'_>) -> Result<Imported, ImportError> {
    let mut sheet = Sheet::default();
    let registries = source.registries.map(|files| Registries::read(files, &mut sheet)).transpose()?;
    let document = document(source.name, source.text)?;
    let (others, scopes) = transports(&At::top(source.name, &document))?;
    others.iter().try_for_each(|(name, at)| other_transport(name, at, &mut sheet))?;
    let mut entries = Vec::new();
    for (scope, list) in scopes {
        let requirements = requirements(&list)?;
        match Scope::parse(scope) {
            Some(scope) => entries.push(Entry { scope, place: list.place, requirements }),
            None => unscoped(scope, &list.place, &requirements, &mut sheet),
        }
    }
    let writer = Writer { source, registries: registries.as_ref(), entries: &entries };
    for entry in &entries {
        writer.write(entry, &mut sheet)?;
    }
    Ok(sheet.finish())
}

/// A scope that is none here. Docker Hub is `docker.io` there, and itself under `*.docker.io` here.
fn unscoped(scope: &str, place: &str, requirements: &[Requirement<'_>], sheet: &mut Sheet) {
    let what = format!("scope `{scope}`");
    if scope != "*.docker.io" {
        sheet.unsaid(place, &what, "matches no image that is judged here", "write it in its fully expanded form");
    } else if requirements.iter().all(|requirement| requirement.kind == Kind::Accept) {
        sheet.unsaid(place, &what, "would mean Docker Hub as well, so that it lets nothing in", "name each host");
    } else {
        let why = "means Docker Hub as well, so that all of that is refused";
        sheet.unsaid(place, &what, why, "name each host");
        let need = Need::any(vec![fail("rejected by policy.json")]);
        sheet.policy(Draft::new(place, "docker-io", vec!["*.docker.io/**".to_owned()], need));
    }
}

fn document(name: &str, text: &str) -> Result<Value, ImportError> {
    let mut documents = documents(name, text)?;
    match documents.len() {
        1 => Ok(documents.remove(0)),
        found => {
            let found = format!("{found} documents");
            Err(ImportError::Shape { place: name.to_owned(), found, wanted: "one" })
        }
    }
}

/// A transport or a scope, and what stands there.
type Named<'a> = (&'a str, At<'a>);

/// The transports that are not about registries, and the scopes of the one that is, all images first.
fn transports<'a>(top: &At<'a>) -> Result<(Vec<Named<'a>>, Vec<Named<'a>>), ImportError> {
    top.only(&["default", "transports"])?;
    let default = top.field("default").ok_or_else(|| {
        let (found, wanted) = ("nothing".to_owned(), "a list of requirements");
        ImportError::Shape { place: top.place_of("default"), found, wanted }
    })?;
    let transports = top.field("transports").map(|at| at.fields()).transpose()?.unwrap_or_default();
    let (docker, others): (Vec<Named<'a>>, Vec<Named<'a>>) =
        transports.into_iter().partition(|(name, _)| *name == "docker");
    let mut scopes = Vec::new();
    for (_, at) in docker {
        scopes.extend(at.fields()?);
    }
    if !scopes.iter().any(|(scope, _)| scope.is_empty()) {
        scopes.push(("", default));
    }
    scopes.sort_by_key(|(scope, _)| !scope.is_empty());
    Ok((others, scopes))
}

/// What comes from elsewhere than a registry is judged by no door.
fn other_transport(name: &str, at: &At<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
    let mut accepts = true;
    for (_, list) in at.fields()? {
        accepts &= requirements(&list)?.iter().all(|requirement| requirement.kind == Kind::Accept);
    }
    match accepts {
        true => {
            sheet.remark(&at.place, &format!("images of `{name}:` come from no registry, and are judged by no door"))
        }
        false => {
            let why = "such images come from no registry, and are judged by no door";
            sheet.unsaid(&at.place, &format!("requirements for `{name}:`"), why, "pull from a registry");
        }
    }
    Ok(())
}

/// What is asked of a scope.
struct Entry<'a> {
    scope: Scope,
    place: String,
    requirements: Vec<Requirement<'a>>,
}

#[derive(Debug, Clone)]
struct Requirement<'a> {
    kind: Kind,
    at: At<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Accept,
    Reject,
    SimpleSigning,
    Sigstore,
}

/// A list that is not empty, of requirements of known types.
fn requirements<'a>(list: &At<'a>) -> Result<Vec<Requirement<'a>>, ImportError> {
    let mut requirements = Vec::new();
    for at in list.entries()? {
        let (kind, fields): (Kind, &[&str]) = match at.required("type")? {
            "insecureAcceptAnything" => (Kind::Accept, &[]),
            "reject" => (Kind::Reject, &[]),
            "signedBy" => (Kind::SimpleSigning, &["keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"]),
            "sigstoreSigned" => (Kind::Sigstore, &sigstore_signed::FIELDS),
            _ => return Err(at.field("type").expect("it was read").shape(TYPES)),
        };
        at.only(&[fields, &["type"]].concat())?;
        requirements.push(Requirement { kind, at });
    }
    match requirements.is_empty() {
        true => Err(ImportError::Shape { place: list.place.clone(), found: "nothing".into(), wanted: "a requirement" }),
        false => Ok(requirements),
    }
}

impl Entry<'_> {
    fn rejects(&self) -> bool {
        self.requirements.iter().any(|requirement| requirement.kind == Kind::Reject)
    }

    fn accepts(&self) -> bool {
        self.requirements.iter().all(|requirement| requirement.kind == Kind::Accept)
    }

    /// Whether all that it asks is asked by another one as well.
    fn is_within(&self, other: &Self) -> bool {
        let asked = |value: &Value| other.requirements.iter().any(|requirement| requirement.at.value == value);
        let asks = self.requirements.iter().filter(|requirement| requirement.kind != Kind::Accept);
        asks.into_iter().all(|requirement| asked(requirement.at.value))
    }

    fn name(&self) -> String {
        let globs = self.scope.globs();
        let name = globs[0].trim_start_matches("index.").trim_end_matches(['*', '/', '@']);
        if name.is_empty() { "all-images".to_owned() } else { name.to_owned() }
    }
}

struct Writer<'a> {
    source: &'a ContainerPolicy<'a>,
    registries: Option<&'a Registries>,
    entries: &'a [Entry<'a>],
}

impl<'a> Writer<'a> {
    fn above(&self, entry: &Entry<'_>) -> impl Iterator<Item = &'a Entry<'a>> {
        self.entries.iter().filter(move |other| other.scope.covers(&entry.scope))
    }

    /// The scope that would decide if this one were not there.
    fn nearest(&self, entry: &Entry<'_>) -> Option<&'a Entry<'a>> {
        self.above(entry).reduce(|nearest, other| if nearest.scope.covers(&other.scope) { other } else { nearest })
    }

    /// Whether a rejecting scope must be written: something above it would let images in.
    fn must_reject(&self, entry: &Entry<'_>) -> bool {
        self.above(entry).any(|above| !above.rejects())
    }

    fn write(&self, entry: &Entry<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
        if let Some(what) = entry.scope.selects_nothing() {
            return self.write_unselected(entry, what, sheet);
        }
        self.tell_of_those_above(entry, sheet);
        if entry.rejects() {
            if self.must_reject(entry) {
                self.policy(entry, fail("rejected by policy.json"), sheet);
            }
        } else if entry.accepts() {
            let what = "`insecureAcceptAnything` has become `static: pass`: these images need no signature";
            sheet.remark(&entry.place, what);
            self.policy(entry, pass(), sheet);
        } else {
            self.signatures(entry, sheet)?;
        }
        Ok(())
    }

    /// Tags, and digests but those by SHA-256, select no policy: their rule holds for the whole repository, beside what
    /// holds there already.
    fn write_unselected(
        &self,
        entry: &Entry<'_>,
        (what, kind): (String, &str),
        sheet: &mut Sheet,
    ) -> Result<(), ImportError> {
        let nearest = self.nearest(entry).filter(|nearest| !nearest.rejects());
        let mut unsaid = |outcome: &str| {
            let why = format!("{kind} selects no policy, so that {outcome}");
            let hint = "write a scope for the repository alone, or for digests by SHA-256";
            sheet.unsaid(&entry.place, &format!("requirements for {what} alone"), &why, hint);
        };
        match nearest {
            None if entry.rejects() => Ok(()),
            None => {
                unsaid("the image is refused");
                Ok(())
            }
            Some(nearest) if entry.accepts() && nearest.accepts() => Ok(()),
            Some(_) if entry.accepts() => {
                unsaid("the repository's rule holds");
                Ok(())
            }
            Some(_) => {
                unsaid("they hold for all tags too");
                match entry.rejects() {
                    true => self.policy(entry, fail("rejected by policy.json"), sheet),
                    false => self.signatures(entry, sheet)?,
                }
                Ok(())
            }
        }
    }

    fn tell_of_those_above(&self, entry: &Entry<'_>, sheet: &mut Sheet) {
        let written = |above: &&Entry<'_>| !above.rejects() || self.must_reject(above);
        for above in self.above(entry).filter(written) {
            if !above.is_within(entry) && !entry.rejects() {
                let what = format!("requirements instead of those at {}", above.place);
                let why = "every policy that matches must be met, so that both are asked";
                let hint = "name in the wider scope what it is about, without this one";
                sheet.unsaid(&entry.place, &what, why, hint);
            }
        }
    }

    /// Each requirement is a policy of its own: all of them must be met.
    fn signatures(&self, entry: &Entry<'_>, sheet: &mut Sheet) -> Result<(), ImportError> {
        let (globs, uncounted) = self.counted(entry, sheet);
        for Requirement { kind, at } in entry.requirements.iter().filter(|one| one.kind != Kind::Accept) {
            let signed = match kind {
                Kind::SimpleSigning => {
                    let why = "signatures by GPG are not read, so that the image is refused";
                    sheet.unsaid(&at.place, "`signedBy`", why, "sign with cosign or sealgate as well");
                    Signed::default()
                }
                _ => sigstore_signed::read(self.source, at, uncounted, sheet)?,
            };
            let (need, expressions) = (Need::any(signed.authorities), signed.expressions);
            let name = entry.name();
            let draft = Draft::new(&at.place, &name, globs.clone(), need);
            sheet.policy(Draft { expressions, ..draft });
        }
        Ok(())
    }

    /// Globs of the images beside which the other program would find a signature; or of all, and why none counts.
    fn counted(&self, entry: &Entry<'_>, sheet: &mut Sheet) -> (Vec<String>, Option<&'static str>) {
        let Some(registries) = self.registries else { return (entry.scope.globs(), None) };
        let Beside { parts, except } = registries.beside(&entry.scope);
        let whole = parts.contains(&entry.scope);
        if parts.is_empty() {
            return (entry.scope.globs(), Some(NOWHERE));
        } else if !whole && !self.may_narrow(entry, &parts) {
            return (entry.scope.globs(), Some(NOT_EVERYWHERE));
        }
        let listed = |scopes: &[Scope]| scopes.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        let globs = |scopes: &[Scope]| scopes.iter().flat_map(Scope::globs).collect::<Vec<_>>();
        if !whole {
            let why = format!(
                "registries.d has `use-sigstore-attachments` for {} alone: all else is refused",
                listed(&parts)
            );
            sheet.unsaid(&entry.place, "`sigstoreSigned` in all of the scope", &why, SWITCH);
        }
        if !except.is_empty() {
            let why =
                format!("registries.d has no `use-sigstore-attachments` for {}: that is refused", listed(&except));
            sheet.unsaid(&entry.place, "`sigstoreSigned` in all of the scope", &why, SWITCH);
            let need = Need::any(vec![fail("registries.d reads no signatures beside these images")]);
            sheet.policy(Draft::new(&entry.place, &entry.name(), globs(&except), need));
        }
        (globs(&parts), None)
    }

    /// Whether what these parts leave out is refused: nothing wider lets it in, and nothing below holds for more of it
    /// than it says.
    fn may_narrow(&self, entry: &Entry<'_>, parts: &[Scope]) -> bool {
        let mut below = self.entries.iter().filter(|other| entry.scope.covers(&other.scope));
        let sharp = |scope: &Scope| scope.selects_nothing().is_none();
        self.above(entry).all(Entry::rejects) && parts.iter().all(sharp) && below.all(|other| sharp(&other.scope))
    }

    fn policy(&self, entry: &Entry<'_>, authority: Value, sheet: &mut Sheet) {
        sheet.policy(Draft::new(&entry.place, &entry.name(), entry.scope.globs(), Need::any(vec![authority])));
    }
}

const SWITCH: &str = "switch it on there, and import again";
const NOWHERE: &str =
    "registries.d has no `use-sigstore-attachments` for it, so that no signature counts, there as here";
const NOT_EVERYWHERE: &str = "registries.d has `use-sigstore-attachments` for a part of it alone, which cannot be told from the rest here, so that no \
     signature counts";
const TYPES: &str = "insecureAcceptAnything, reject, signedBy or sigstoreSigned";
