//! Who a certificate names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{Hash, Hasher},
};

use serde::Serialize;

use crate::{
    CertificateError,
    asn1::{self, Item, Items, NotDer, Oid, constructed, context},
    certificate::Certificate,
};

/// Who signed, as a certificate authority wrote it down.
///
/// Two are equal when issuer and names are, in whatever order: the extensions tell about one occasion, not about who it is, and one
/// signer on two occasions is one signer.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    issuer: Option<String>,
    names: Vec<SubjectName>,
    extensions: BTreeMap<u8, String>,
}

/// Which of several names in a certificate are the signer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// All: any of them may be the one that was expected, as cosign has it for its legacy formats.
    All,
    /// The one that cosign takes in bundles: the first URI, else the first e-mail address, else the first user name.
    One,
}

impl Names {
    fn of(self, found: Vec<SubjectName>) -> Vec<SubjectName> {
        let first = |is: fn(&SubjectName) -> bool| found.iter().find(|name| is(name)).cloned();
        match self {
            Self::All => found,
            Self::One => first(|name| matches!(name, SubjectName::Uri(_)))
                .or_else(|| first(|name| matches!(name, SubjectName::Email(_))))
                .or_else(|| first(|name| matches!(name, SubjectName::User(_))))
                .into_iter()
                .collect(),
        }
    }
}

/// A name of a signer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectName {
    /// A URI: a workflow, a service.
    Uri(String),
    /// An e-mail address.
    Email(String),
    /// A host.
    Dns(String),
    /// A user name of a kind that Fulcio has (1.3.6.1.4.1.57264.1.7).
    User(String),
}

impl SubjectName {
    /// The name without its kind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Uri(name) | Self::Email(name) | Self::Dns(name) | Self::User(name) => name,
        }
    }
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_str().escape_debug())
    }
}

impl Identity {
    /// What the certificate says. True if the certificate is.
    pub(crate) fn of(certificate: &Certificate, which: Names) -> Result<Self, CertificateError> {
        let found = certificate.extension(SUBJECT_ALTERNATIVE_NAME).map(names).transpose()?;
        let names = which.of(found.unwrap_or_default());
        if names.is_empty() {
            return Err(CertificateError::Nameless);
        }
        let mut extensions = BTreeMap::new();
        for number in (1..=6).chain(8..=MAX_EXTENSION) {
            let Some(value) = certificate.extension(fulcio(number)) else { continue };
            match fact(number, value) {
                Ok(text) => drop(extensions.insert(number, text)),
                // a workflow may be named with a tab; then nothing is known of its name, and nothing matches it
                Err(CertificateError::Text) if !matches!(number, ISSUER | ISSUER_OLD) => {}
                Err(why) => return Err(why),
            }
        }
        let issuer = match (extensions.get(&ISSUER), extensions.get(&ISSUER_OLD)) {
            (Some(new), Some(old)) if new != old => return Err(CertificateError::TwoIssuers),
            (Some(issuer), _) | (None, Some(issuer)) => Some(issuer.clone()),
            (None, None) => None,
        };
        Ok(Self { issuer, names, extensions })
    }

    /// Who vouched for the name: the identity provider's URL.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The names, at least one.
    #[must_use]
    pub fn names(&self) -> &[SubjectName] {
        &self.names
    }

    /// What Fulcio's extension 1.3.6.1.4.1.57264.1.`number` says: 2 to 6 are GitHub's trigger, commit, workflow,
    /// repository and ref; 9 to 24 the later ones for any build service.
    #[must_use]
    pub fn extension(&self, number: u8) -> Option<&str> {
        self.extensions.get(&number).map(String::as_str)
    }

    /// All of Fulcio's extensions, by the last number of their identifier.
    #[must_use]
    pub fn extensions(&self) -> &BTreeMap<u8, String> {
        &self.extensions
    }

    fn who(&self) -> (&Option<String>, BTreeSet<&SubjectName>) {
        (&self.issuer, self.names.iter().collect())
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.who() == other.who()
    }
}

impl Eq for Identity {}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.who().cmp(&other.who())
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.who().hash(state);
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.names.iter().map(SubjectName::to_string).collect();
        write!(f, "{}", names.join(", "))?;
        self.issuer.as_ref().map_or(Ok(()), |issuer| write!(f, " ({})", issuer.escape_debug()))
    }
}

/// RFC 5280, 4.2.1.6. Kinds of names that no signer goes by are passed over.
fn names(value: &[u8]) -> Result<Vec<SubjectName>, CertificateError> {
    let list = Items::only(value, asn1::SEQUENCE).and_then(|sequence| sequence.items()?.rest());
    let mut names = Vec::new();
    for item in list.map_err(|NotDer| CertificateError::Malformed)? {
        let kind: fn(String) -> SubjectName = match item.tag {
            EMAIL => SubjectName::Email,
            DNS => SubjectName::Dns,
            URI => SubjectName::Uri,
            OTHER => {
                names.extend(user(&item)?.map(SubjectName::User));
                continue;
            }
            _ => continue,
        };
        // an IA5String is ASCII; anything else could look like a name that it is not
        let name = Some(plain(item.value)?).filter(|name| name.is_ascii()).ok_or(CertificateError::Text)?;
        names.push(kind(name));
    }
    if names.iter().any(|name| name.as_str().is_empty()) { Err(CertificateError::EmptyName) } else { Ok(names) }
}

fn user(item: &Item<'_>) -> Result<Option<String>, CertificateError> {
    let read = || {
        let mut fields = item.items()?;
        let (kind, value) = (fields.take(asn1::OBJECT_IDENTIFIER)?.oid()?, fields.take(constructed(0))?);
        fields.end()?;
        Ok::<_, NotDer>((kind == fulcio(USER)).then_some(value.value))
    };
    let Some(value) = read().map_err(|NotDer| CertificateError::Malformed)? else { return Ok(None) };
    let text = Items::only(value, asn1::UTF8_STRING).map_err(|NotDer| CertificateError::Malformed)?;
    plain(text.value).map(Some)
}

/// Extensions up to 6 are bare text, later ones a UTF8String.
fn fact(number: u8, value: &[u8]) -> Result<String, CertificateError> {
    if number < USER {
        return plain(value);
    }
    plain(Items::only(value, asn1::UTF8_STRING).map_err(|NotDer| CertificateError::Malformed)?.value)
}

/// Text that two programs read alike: UTF-8 without control characters.
fn plain(bytes: &[u8]) -> Result<String, CertificateError> {
    let text = std::str::from_utf8(bytes).map_err(|_| CertificateError::Text)?;
    if text.chars().any(char::is_control) { Err(CertificateError::Text) } else { Ok(text.to_owned()) }
}

fn fulcio(number: u8) -> Oid {
    FULCIO.push_arc(u32::from(number)).expect("one more arc fits")
}

const FULCIO: Oid = Oid::new_unwrap("1.3.6.1.4.1.57264.1");
const ISSUER_OLD: u8 = 1;
const USER: u8 = 7;
const ISSUER: u8 = 8;
const MAX_EXTENSION: u8 = 24;
const SUBJECT_ALTERNATIVE_NAME: Oid = Oid::new_unwrap("2.5.29.17");
const OTHER: u8 = constructed(0);
const EMAIL: u8 = context(1);
const DNS: u8 = context(2);
const URI: u8 = context(6);

#[cfg(test)]
mod tests {
    use super::*;

    impl Identity {
        pub(crate) fn for_test<const N: usize>(issuer: Option<&str>, name: &str, extensions: [(u8, &str); N]) -> Self {
            let extensions = extensions.map(|(number, text)| (number, text.to_owned()));
            let names = vec![SubjectName::Email(name.to_owned())];
            Self { issuer: issuer.map(str::to_owned), names, extensions: extensions.into() }
        }
    }

    #[test]
    fn one_signer_on_two_occasions_is_one_signer() {
        let identity = |issuer, extensions| Identity::for_test(Some(issuer), "a@b", extensions);
        assert_eq!(identity("i", [(3, "c0ffee")]), identity("i", [(3, "decaf")]));
        assert_ne!(identity("i", [(3, "decaf")]), identity("j", [(3, "decaf")]));
    }

    #[test]
    fn order_of_names_makes_no_other_signer_and_a_further_name_does() {
        let named = |names: &[&str]| Identity {
            names: names.iter().map(|name| SubjectName::Email((*name).to_owned())).collect(),
            ..Identity::for_test(Some("i"), "", [])
        };
        assert_eq!(named(&["a", "b"]), named(&["b", "a", "a"]));
        assert_ne!(named(&["a", "b"]), named(&["a"]));
        assert_eq!(std::collections::HashSet::from([named(&["a", "b"]), named(&["b", "a"]), named(&["b"])]).len(), 2);
    }
}
