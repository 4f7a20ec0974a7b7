//! The one shape of CEL that an ImageValidatingPolicy usually has: every image is signed by one of these attestors.
//!
//! `images.containers.map(image, verifyImageSignatures(image, [attestors.a, attestors.b])).all(e, e > 0)`, with
//! `verifyAttestationSignatures(image, attestations.x, [attestors.a])` as well. Anything else is not recognised.

/// What such an expression asks of every image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// Any one of these must have signed.
    pub(super) attestors: Vec<String>,
    /// What they must have attested; a signature where there is nothing.
    pub(super) attestation: Option<String>,
}

/// Recognises an expression.
pub(super) fn check(text: &str) -> Option<Check> {
    let tokens = tokens(text)?;
    let mut rest = Rest(&tokens);
    rest.words(&["images", "."])?;
    if !["containers", "initContainers", "ephemeralContainers"].contains(&rest.name()?) {
        return None;
    }
    rest.words(&[".", "map", "("])?;
    let image = rest.name()?;
    rest.words(&[","])?;
    let check = rest.call(image)?;
    rest.words(&[")", ".", "all", "("])?;
    let count = rest.name()?;
    rest.words(&[",", count, ">", "0", ")"])?;
    rest.0.is_empty().then_some(check)
}

/// Names, numbers and signs; nothing where there is a text or a comment.
fn tokens(text: &str) -> Option<Vec<&str>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => {
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            '.' | ',' | '(' | ')' | '[' | ']' | '>' => 1,
            _ => return None,
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Rest<'a>(&'a [&'a str]);

impl<'a> Rest<'a> {
    fn words(&mut self, wanted: &[&'a str]) -> Option<()> {
        self.0 = self.0.strip_prefix(wanted)?;
        Some(())
    }

    fn name(&mut self) -> Option<&'a str> {
        let (first, rest) = self.0.split_first()?;
        let named = first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        self.0 = rest;
        named.then_some(first)
    }

    /// The call of one of the two functions about this image.
    fn call(&mut self, image: &'a str) -> Option<Check> {
        let function = self.name()?;
        self.words(&["(", image, ","])?;
        let attestation = match function {
            "verifyImageSignatures" => None,
            "verifyAttestationSignatures" => {
                self.words(&["attestations", "."])?;
                let name = self.name()?.to_owned();
                self.words(&[","])?;
                Some(name)
            }
            _ => return None,
        };
        self.words(&["["])?;
        let mut attestors = Vec::new();
        loop {
            self.words(&["attestors", "."])?;
            attestors.push(self.name()?.to_owned());
            if self.words(&[","]).is_none() {
                break;
            }
        }
        self.words(&["]", ")"])?;
        Some(Check { attestors, attestation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_shape_is_recognised_however_it_is_spaced() {
        let text = "images.containers.map(image, verifyImageSignatures(image, [attestors.a])).all(e, e > 0)";
        let one = Check { attestors: vec!["a".into()], attestation: None };
        assert_eq!(check(text), Some(one.clone()));
        assert_eq!(check(&text.replace(' ', "").replace('.', "\n  .")), Some(one));
        let text =
            text.replace("verifyImageSignatures(image,", "verifyAttestationSignatures(image, attestations.sbom,");
        let two = Check { attestors: vec!["a".into(), "b".into()], attestation: Some("sbom".into()) };
        assert_eq!(check(&text.replace("attestors.a", "attestors.a, attestors.b")), Some(two));
    }

    #[test]
    fn whatever_differs_is_not() {
        let text = "images.containers.map(image, verifyImageSignatures(image, [attestors.a])).all(e, e > 0)";
        for (from, to) in [
            (".all", ".exists"),
            ("> 0", ">= 0"),
            ("> 0", "> 1"),
            ("e > 0", "f > 0"),
            ("e > 0)", "e > 0) || true"),
            ("e > 0)", "e > 0 || true)"),
            ("[attestors.a]", "[]"),
            ("[attestors.a]", "[attestors.a,]"),
            ("[attestors.a]", "variables.them"),
            ("Signatures(image", "Signatures(other"),
            ("images.containers", "images.other"),
            ("images", "!images"),
            ("verifyImageSignatures", "extractPayload"),
        ] {
            assert_eq!(check(&text.replace(from, to)), None, "{to}");
        }
        assert_eq!(check(""), None);
    }
}
