//! Which manifests must be signed beside the one that is asked for, where that is an index.

use std::fmt;

use oci::{Digest, Platform};

use crate::{object::Object, problem::Why};

/// A manifest that an index lists, at whatever depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its digest.
    pub digest: Digest,
    /// What it is for, if the index says.
    pub platform: Option<Platform>,
}

/// Which manifests must be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Platforms {
    /// The one that is asked for.
    #[default]
    Asked,
    /// That, and all that it lists.
    Every,
    /// That, and those for these platforms; there is at least one.
    Named(Vec<Wanted>),
}

/// A platform as a policy writes it: `linux/arm64`, or with its variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platforms {
    /// Reads `platforms`: a word, or a list.
    pub(crate) fn read(spec: &Object<'_>) -> Self {
        spec.refuse_empty("platforms");
        if spec.is_list("platforms") {
            return Self::Named(named(spec));
        }
        match spec.text("platforms") {
            Some(text) if text.value == "every" => Self::Every,
            Some(text) => {
                text.expect(text.value == "asked", "asked, every or a list such as [linux/amd64]");
                Self::Asked
            }
            None => Self::Asked,
        }
    }

    /// Whether what an index lists has to be known.
    pub(crate) fn need_children(&self) -> bool {
        *self != Self::Asked
    }

    /// The children that must be signed, of an index; for every named platform there must be one.
    pub(crate) fn choose<'c>(&self, children: &'c [Child]) -> Result<Vec<&'c Child>, NoPlatform> {
        match self {
            Self::Asked => Ok(Vec::new()),
            Self::Every => Ok(children.iter().collect()),
            Self::Named(wanted) => {
                let missing = wanted.iter().find(|one| !children.iter().any(|child| one.fits(child)));
                if let Some(one) = missing {
                    return Err(NoPlatform { wanted: one.to_string(), found: listed(children) });
                }
                Ok(children.iter().filter(|child| wanted.iter().any(|one| one.may_take(child))).collect())
            }
        }
    }
}

fn named(spec: &Object<'_>) -> Vec<Wanted> {
    let texts = spec.texts("platforms");
    let mut all: Vec<Wanted> = Vec::new();
    for text in texts {
        match Wanted::parse(text.value) {
            None => text.refuse(Why::Wanted("os/architecture or os/architecture/variant")),
            Some(one) if all.contains(&one) => text.refuse(Why::Wanted("each platform once")),
            Some(one) => all.push(one),
        }
    }
    all
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let plain =
            |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !parts.iter().all(plain) {
            return None;
        }
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
            _ => return None,
        };
        Some(Self { os: os.to_owned(), architecture: architecture.to_owned(), variant })
    }

    /// Without a variant, each of them.
    fn fits(&self, child: &Child) -> bool {
        child.platform.as_ref().is_some_and(|found| {
            let variant = self.variant.is_none() || self.variant == found.variant;
            found.os == self.os && found.architecture == self.architecture && variant
        })
    }

    /// Whether a machine of this platform may choose the child: runtimes also take what names no platform or variant, and
    /// what names its own by another of its names.
    fn may_take(&self, child: &Child) -> bool {
        child.platform.as_ref().is_none_or(|found| {
            let named = |variant: &&String| !variant.is_empty();
            let (own, other) = (self.variant.as_ref(), found.variant.as_ref().filter(named));
            let variant = own.zip(other).is_none_or(|(own, other)| bare(own) == bare(other));
            found.os.eq_ignore_ascii_case(&self.os)
                && usual(&found.architecture) == usual(&self.architecture)
                && (variant || !is_usual(&found.architecture))
        })
    }
}

/// The usual name of an architecture.
fn usual(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, usual)| (*usual).to_owned())
}

/// Whether the name says nothing of a variant.
fn is_usual(name: &str) -> bool {
    usual(name) == name
}

/// `v8` is `8` as well.
fn bare(variant: &str) -> String {
    variant.to_ascii_lowercase().trim_start_matches('v').to_owned()
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// An index without a platform that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoPlatform {
    wanted: String,
    found: String,
}

impl fmt::Display for NoPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index lists {}, wanted {}", self.found, self.wanted)
    }
}

/// The platforms of an index, for people.
fn listed(children: &[Child]) -> String {
    let shown = children.iter().filter_map(|child| child.platform.as_ref()).take(MAX_SHOWN).map(|platform| {
        let variant = platform.variant.as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
        crate::problem::excerpt(&format!("{}/{}{variant}", platform.os, platform.architecture))
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "no platforms".to_owned() } else { shown.join(", ") }
}

const MAX_SHOWN: usize = 10;
/// Other names that container runtimes understand.
const NAMES: [(&str, &str); 6] = [
    ("x86_64", "amd64"),
    ("x86-64", "amd64"),
    ("aarch64", "arm64"),
    ("i386", "386"),
    ("armhf", "arm"),
    ("armel", "arm"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{problem::Problems, yaml::documents};

    fn read(text: &str) -> (Platforms, Vec<String>) {
        let problems = Problems::default();
        let nodes = documents(text, &problems);
        let read = Platforms::read(&Object::open_any(&nodes[0], "spec".to_owned(), &problems));
        (read, problems.take().into_iter().map(|(_, objection)| objection.to_string()).collect())
    }

    fn child(name: &str) -> Child {
        let platform = Wanted::parse(name);
        let platform =
            platform.map(|one| Platform { architecture: one.architecture, os: one.os, variant: one.variant });
        Child { digest: Digest::of(name.as_bytes()), platform }
    }

    fn chosen(text: &str, names: &[&str]) -> Result<usize, String> {
        let children: Vec<Child> = names.iter().map(|name| child(name)).collect();
        read(text).0.choose(&children).map(|chosen| chosen.len()).map_err(|why| why.to_string())
    }

    #[test]
    fn asked_is_the_default_and_every_is_every() {
        assert_eq!(read("{}"), (Platforms::Asked, Vec::new()));
        assert_eq!(read("platforms: asked").0, Platforms::Asked);
        assert!(!Platforms::Asked.need_children());
        assert_eq!(chosen("platforms: asked", &["linux/amd64"]), Ok(0));
        assert_eq!(
            chosen("platforms: every", &["linux/amd64", "linux/arm64/v8", "-"]),
            Ok(3),
            "also one without platform"
        );
    }

    #[test]
    fn every_named_platform_must_be_there() {
        let both = "platforms: [linux/amd64, linux/arm64]";
        assert_eq!(chosen(both, &["linux/amd64", "linux/arm64/v8", "windows/amd64"]), Ok(2));
        assert_eq!(chosen(both, &["linux/amd64"]), Err("index lists linux/amd64, wanted linux/arm64".to_owned()));
        assert_eq!(chosen(both, &[]), Err("index lists no platforms, wanted linux/amd64".to_owned()));
    }

    #[test]
    fn without_a_variant_all_of_them_must_be_signed_and_with_one_only_that() {
        let arms = ["linux/arm/v6", "linux/arm/v7", "linux/amd64"];
        assert_eq!(chosen("platforms: [linux/arm]", &arms), Ok(2));
        assert_eq!(chosen("platforms: [linux/arm/v7]", &arms), Ok(1));
        assert!(chosen("platforms: [linux/arm/v8]", &arms).is_err());
    }

    #[test]
    fn what_a_machine_may_take_for_its_own_must_be_signed_too() {
        let children: Vec<Child> = [
            ("linux", "amd64", None),
            ("linux", "x86_64", None),
            ("linux", "arm", Some("v7")),
            ("linux", "arm", Some("")),
            ("linux", "arm", None),
            ("linux", "arm", Some("7")),
            ("linux", "armhf", None),
            ("linux", "arm", Some("v6")),
            ("windows", "amd64", None),
        ]
        .iter()
        .map(|(os, architecture, variant)| Child {
            digest: Digest::of(format!("{os}{architecture}{variant:?}").as_bytes()),
            platform: Some(Platform {
                os: (*os).to_owned(),
                architecture: (*architecture).to_owned(),
                variant: variant.map(str::to_owned),
            }),
        })
        .chain([Child { digest: Digest::of(b"anything"), platform: None }])
        .collect();
        let chosen = |text: &str| read(text).0.choose(&children).map(|chosen| chosen.len());
        assert_eq!(chosen("platforms: [linux/amd64]"), Ok(3), "two names of it, and one without a name");
        assert_eq!(chosen("platforms: [linux/arm/v7]"), Ok(6), "not v6");
        assert_eq!(chosen("platforms: [linux/arm]"), Ok(7));
        assert_eq!(chosen("platforms: [windows/amd64]"), Ok(2));
    }

    #[test]
    fn empty_and_strange_lists_are_refused() {
        for text in [
            "platforms: []",
            "platforms: ''",
            "platforms: all",
            "platforms: [linux]",
            "platforms: [linux/amd64/v1/x]",
            "platforms: ['linux/']",
            "platforms: [LINUX/amd64]",
            "platforms: [linux/amd64, linux/amd64]",
            "platforms: [every/]",
        ] {
            assert_eq!(read(text).1.len(), 1, "{text}: {:?}", read(text).1);
        }
    }
}
