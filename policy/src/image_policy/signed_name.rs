//! The name under which an image was signed, against the name under which it is asked for.
//!
//! Whoever holds a signature can carry image and signature to another name. Where the name means something, a policy
//! asks for it; where images are mirrored on purpose, it says from where to where.

use std::fmt;

use oci::{ImageRef, Repository};

use crate::{
    object::Object,
    problem::{Objection, Why, excerpt},
};

/// Asks that an image was signed under its own name, or under that which it has where it is mirrored from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedName {
    remaps: Vec<Remap>,
}

/// Names that begin so stand for names that begin otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remap {
    from: String,
    to: String,
}

impl SignedName {
    /// Reads `signedName`.
    pub(crate) fn read(object: &Object<'_>) -> Self {
        let entries = object.objects("remap", &["from", "to"]);
        Self { remaps: entries.iter().filter_map(Remap::read).collect() }
    }

    /// Whether this signed name is that of the image's repository. A tag or digest in it has no say.
    pub(crate) fn met_by(&self, signed: Option<&str>, asked: &Repository) -> Result<(), OtherName> {
        let wanted = self.original(asked);
        let found = signed.ok_or_else(|| OtherName { found: None, wanted: wanted.clone() })?;
        let same = found.parse::<ImageRef>().is_ok_and(|found| found.repository().to_string() == wanted);
        if same { Ok(()) } else { Err(OtherName { found: Some(found.to_owned()), wanted }) }
    }

    /// What stands for what, if it is one prefix for another, each up to a slash or the end of a name; no remapping is
    /// no pair. None where it cannot be said so.
    pub(crate) fn prefixes(&self) -> Option<Option<(&str, &str)>> {
        let folder = |remap: &'_ Remap| remap.from.ends_with('/');
        let (folders, names): (Vec<&Remap>, Vec<&Remap>) = self.remaps.iter().partition(|remap| folder(remap));
        match (folders.as_slice(), names.as_slice()) {
            ([], []) => Some(None),
            ([all], names) => {
                let (from, to) = (all.from.strip_suffix('/')?, all.to.strip_suffix('/')?);
                let same = |one: &&Remap| one.from == from && one.to == to;
                // A host is no repository itself.
                let whole = if from.contains('/') { matches!(names, [one] if same(one)) } else { names.is_empty() };
                whole.then_some(Some((from, to)))
            }
            _ => None,
        }
    }

    /// The name to sign under, by the first entry that is about this one.
    fn original(&self, asked: &Repository) -> String {
        let name = asked.to_string();
        self.remaps.iter().find_map(|remap| remap.apply(&name)).unwrap_or(name)
    }
}

impl Remap {
    /// Both are folders, with a slash at their end, or both repositories: half a component never stands for another.
    fn read(entry: &Object<'_>) -> Option<Self> {
        let (from, to) = (entry.required_text("from"), entry.required_text("to"));
        let (from, to) = (from?, to?);
        for text in [&from, &to] {
            text.expect(canonical(text.value).is_some(), "a repository, or a folder of them with a slash at its end");
        }
        if from.value.ends_with('/') != to.value.ends_with('/') {
            to.refuse(Why::Wanted("a slash at the end if and only if there is one at the end of `from`"));
        }
        let remap = Self { from: canonical(from.value)?, to: canonical(to.value)? };
        if remap.from == remap.to {
            let objection = Objection::invalid(&remap.to, entry.path_of("to"), Why::Wanted("another name than `from`"));
            entry.object_to(entry.at_field("to"), objection);
        }
        Some(remap)
    }

    fn apply(&self, name: &str) -> Option<String> {
        match self.from.ends_with('/') {
            true => name.strip_prefix(&self.from).map(|rest| format!("{}{rest}", self.to)),
            false => (name == self.from).then(|| self.to.clone()),
        }
    }
}

/// A repository's canonical name, or that of a folder or host of repositories with a slash at its end.
fn canonical(text: &str) -> Option<String> {
    let Some(folder) = text.strip_suffix('/') else {
        return text.parse::<Repository>().ok().map(|repository| repository.to_string());
    };
    // Two components, since one alone on Docker Hub would be read as an official image's name.
    let within = format!("{folder}/x/x").parse::<Repository>().ok()?.to_string();
    within.strip_suffix("x/x").map(str::to_owned)
}

/// Signed under another name, or under none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OtherName {
    found: Option<String>,
    wanted: String,
}

impl fmt::Display for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "signature is for the name `{}`, wanted `{}`", excerpt(found), self.wanted),
            None => write!(f, "signature is for no name, wanted `{}`", self.wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(text: &str) -> Repository {
        text.parse().unwrap()
    }

    fn remapped(from: &str, to: &str) -> SignedName {
        SignedName { remaps: vec![Remap { from: canonical(from).unwrap(), to: canonical(to).unwrap() }] }
    }

    const EXACT: SignedName = SignedName { remaps: Vec::new() };

    #[test]
    fn without_remapping_the_name_is_the_images_own() {
        let app = repository("ghcr.io/acme/app");
        assert_eq!(EXACT.met_by(Some("ghcr.io/acme/app"), &app), Ok(()));
        assert_eq!(EXACT.met_by(Some("ghcr.io/acme/app:1.2"), &app), Ok(()), "a tag has no say");
        for other in ["ghcr.io/acme/app-evil", "ghcr.io/acme", "evil.example/ghcr.io/acme/app", "", "ghcr.io/acme/app/"]
        {
            assert!(EXACT.met_by(Some(other), &app).is_err(), "{other}");
        }
        assert_eq!(
            EXACT.met_by(None, &app).unwrap_err().to_string(),
            "signature is for no name, wanted `ghcr.io/acme/app`"
        );
    }

    #[test]
    fn spellings_of_docker_hub_are_one_name() {
        let nginx = repository("nginx");
        for name in ["nginx", "docker.io/library/nginx", "index.docker.io/library/nginx"] {
            assert_eq!(EXACT.met_by(Some(name), &nginx), Ok(()), "{name}");
        }
        assert_eq!(
            remapped("mirror.example/hub/", "index.docker.io/library/")
                .met_by(Some("nginx"), &repository("mirror.example/hub/nginx")),
            Ok(())
        );
    }

    #[test]
    fn mirror_is_known_by_the_name_of_what_it_mirrors() {
        let mirror = remapped("mirror.example/acme/", "ghcr.io/acme/");
        let app = repository("mirror.example/acme/app");
        assert_eq!(mirror.met_by(Some("ghcr.io/acme/app"), &app), Ok(()));
        let refused = mirror.met_by(Some("mirror.example/acme/app"), &app).unwrap_err().to_string();
        assert_eq!(refused, "signature is for the name `mirror.example/acme/app`, wanted `ghcr.io/acme/app`");
        assert!(mirror.met_by(Some("ghcr.io/acme/app"), &repository("mirror.example/acme-evil/app")).is_err());
        assert!(mirror.met_by(Some("ghcr.io/acme/app"), &repository("ghcr.io/acme/other")).is_err());
        assert_eq!(mirror.met_by(Some("ghcr.io/acme/app"), &repository("ghcr.io/acme/app")), Ok(()), "not mirrored");
    }

    #[test]
    fn all_of_docker_hub_can_be_remapped() {
        let mirror = remapped("mirror.example/hub/", "docker.io/");
        for name in ["library/nginx", "acme/app"] {
            let mirrored = repository(&format!("mirror.example/hub/{name}"));
            assert_eq!(mirror.met_by(Some(&format!("docker.io/{name}")), &mirrored), Ok(()), "{name}");
        }
        let nginx = repository("mirror.example/hub/nginx");
        assert!(mirror.met_by(Some("docker.io/library/nginx"), &nginx).is_err());
    }

    #[test]
    fn one_repository_can_be_remapped_and_no_other_with_it() {
        let one = remapped("mirror.example/app", "ghcr.io/acme/app");
        assert_eq!(one.met_by(Some("ghcr.io/acme/app"), &repository("mirror.example/app")), Ok(()));
        assert!(one.met_by(Some("ghcr.io/acme/app-2"), &repository("mirror.example/app-2")).is_err());
        assert!(one.met_by(Some("ghcr.io/acme/app/x"), &repository("mirror.example/app/x")).is_err());
    }

    #[test]
    fn only_a_prefix_up_to_a_slash_is_a_pair_of_prefixes() {
        let all = |pairs: &[(&str, &str)]| SignedName {
            remaps: pairs.iter().flat_map(|(from, to)| remapped(from, to).remaps).collect(),
        };
        assert_eq!(EXACT.prefixes(), Some(None));
        assert_eq!(all(&[("a.b/", "c.d/e/")]).prefixes(), Some(Some(("a.b", "c.d/e"))));
        let both = [("a.b/x/", "c.d/e/"), ("a.b/x", "c.d/e")];
        assert_eq!(all(&both).prefixes(), Some(Some(("a.b/x", "c.d/e"))));
        for other in [
            &both[..1],
            &both[1..],
            &[("a.b/", "c.d/"), ("e.f/", "c.d/")],
            &[("a.b/x/", "c.d/e/"), ("a.b/x", "c.d/f")],
            &[("a.b/x/", "c.d/e/"), ("a.b/y", "c.d/e")],
            &[("a.b/", "c.d/"), ("a.b/x", "c.d/y")],
        ] {
            assert_eq!(all(other).prefixes(), None, "{other:?}");
        }
    }

    #[test]
    fn strange_names_are_shown_short_and_harmless() {
        let shown = EXACT.met_by(Some(&format!("\u{1b}[2J{}", "x".repeat(1_000))), &repository("a.b/c")).unwrap_err();
        let shown = shown.to_string();
        assert!(shown.len() < 300 && !shown.contains('\u{1b}'), "{shown}");
    }
}
