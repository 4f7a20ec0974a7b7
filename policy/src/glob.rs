//! The glob dialect of ClusterImagePolicy, exactly: `*` stops at a slash, `**` does not, the whole name must match.
//!
//! A name whose digest is not known yet can be matched as well; the answer is then certain or depends on the digest.
//! There is no fallback to the name as a person wrote it: policies are matched against what is admitted.

use std::fmt;

/// A checked glob over names like `index.docker.io/library/nginx@sha256:…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    tokens: Vec<Token>,
}

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// Fails on an empty glob and on characters outside the dialect: letters, digits and `-_:/*.@`.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(GlobError::TooLong { found: text.len() });
        }
        // Within this alphabet every text is also a pattern to Go's filepath.Match, which upstream asks as well.
        if let Some(found) = text.chars().find(|&c| !c.is_ascii_alphanumeric() && !"-_:/*.@".contains(c)) {
            return Err(GlobError::Character { found });
        }
        let qualified = match text {
            "*" => "index.docker.io/library/*",
            "*/*" => "index.docker.io/*/*",
            other => other,
        };
        Ok(Self { text: text.to_owned(), tokens: tokens(qualified) })
    }

    /// The glob as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this name matches, from its first character to its last.
    #[must_use]
    pub fn matches(&self, subject: &str) -> bool {
        self.begins_like(subject) && self.accepts(&symbols(subject), Token::takes_some)
    }

    /// Whether this name matches whatever its digest turns out to be; the name is given without `@sha256:…`.
    pub(crate) fn matches_undigested(&self, name: &str) -> Match {
        if !self.begins_like(name) {
            return Match::Never;
        }
        let mut subject = symbols(name);
        subject.extend("@sha256:".bytes().map(Symbol::Byte));
        subject.extend([Symbol::HexDigit; 64]);
        if self.accepts(&subject, Token::takes_all) {
            Match::Always
        } else if self.accepts(&subject, Token::takes_some) {
            Match::ByDigest
        } else {
            Match::Never
        }
    }

    /// Whether no admitted name, a registry's host, a path and `@sha256:…`, can match.
    ///
    /// A cautious answer: false does not promise that some name matches.
    pub(crate) fn never_matches(&self) -> bool {
        let text = &self.text;
        let bare = !self.tokens.contains(&Token::Stars) && !self.tokens.contains(&Token::Literal(b'/'));
        let ending = text.rsplit('*').next().unwrap_or_default();
        let undigested = !text.contains('@') && (!text.contains('*') || !ending.bytes().all(is_hex_digit));
        bare || undigested || self.names_a_tag() || self.names_no_host()
    }

    /// Whether a colon follows the last component's name: a tag, since ports stand in the first component.
    fn names_a_tag(&self) -> bool {
        let Some((_, last)) = self.text.rsplit_once('/') else { return false };
        last.split_once(':').is_some_and(|(name, _)| !name.contains(['*', '@']))
    }

    /// Whether what stands before the first slash can't be a registry's host. Docker Hub is `index.docker.io` here.
    fn names_no_host(&self) -> bool {
        let Some((host, _)) = self.text.split_once('/') else { return false };
        let named =
            host.contains(['.', ':', '*']) || host == "localhost" || host.bytes().any(|b| b.is_ascii_uppercase());
        !named || host == "docker.io"
    }

    /// Whether the text before the first star agrees with the name, as far as both go: of a thousand globs, most are told
    /// apart by that.
    fn begins_like(&self, name: &str) -> bool {
        let fixed = self.tokens.iter().map_while(|token| match token {
            Token::Literal(byte) => Some(*byte),
            _ => None,
        });
        fixed.zip(name.bytes()).all(|(one, other)| one == other)
    }

    /// Follows all readings of the stars at once, so that time is bounded by the product of the two lengths.
    fn accepts(&self, subject: &[Symbol], takes: fn(&Token, Symbol) -> bool) -> bool {
        let mut reached = self.closure(vec![0]);
        for &symbol in subject {
            let next = reached.iter().filter_map(|&at| {
                let token = self.tokens.get(at).filter(|token| takes(token, symbol))?;
                Some(if matches!(token, Token::Literal(_)) { at + 1 } else { at })
            });
            reached = self.closure(next.collect());
        }
        reached.contains(&self.tokens.len())
    }

    /// Adds the positions reachable by letting stars stand for nothing. Positions stay sorted and distinct.
    fn closure(&self, positions: Vec<usize>) -> Vec<usize> {
        let mut reached: Vec<usize> = Vec::with_capacity(positions.len());
        for mut at in positions {
            while reached.last().is_none_or(|&last| last < at) {
                reached.push(at);
                match self.tokens.get(at) {
                    Some(Token::Star | Token::Stars) => at += 1,
                    _ => break,
                }
            }
        }
        reached
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// What is known about a match before the digest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Always,
    Never,
    ByDigest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(u8),
    Star,
    Stars,
}

impl Token {
    /// Whether the token can stand for the symbol, for at least one digest.
    fn takes_some(&self, symbol: Symbol) -> bool {
        match (self, symbol) {
            (Self::Literal(want), Symbol::Byte(found)) => *want == found,
            (Self::Literal(want), Symbol::HexDigit) => is_hex_digit(*want),
            (Self::Star, Symbol::Byte(found)) => found != b'/',
            (Self::Star, Symbol::HexDigit) | (Self::Stars, _) => true,
        }
    }

    /// Whether the token can stand for the symbol, for every digest.
    fn takes_all(&self, symbol: Symbol) -> bool {
        !matches!((self, symbol), (Self::Literal(_), Symbol::HexDigit)) && self.takes_some(symbol)
    }
}

#[derive(Debug, Clone, Copy)]
enum Symbol {
    Byte(u8),
    HexDigit,
}

fn symbols(text: &str) -> Vec<Symbol> {
    text.bytes().map(Symbol::Byte).collect()
}

/// Two stars are taken together from the left, so three are `**` and then `*`.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (token, left) = match (first, after) {
            (b'*', [b'*', left @ ..]) => (Token::Stars, left),
            (b'*', left) => (Token::Star, left),
            (&byte, left) => (Token::Literal(byte), left),
        };
        tokens.push(token);
        rest = left;
    }
    tokens
}

fn is_hex_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// No image name is longer, so no longer glob selects one image.
const MAX_LENGTH: usize = 1024;

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// There is nothing.
    #[error("glob is empty")]
    Empty,
    /// More than any image name could need.
    #[error("glob is {found} bytes long, wanted at most {MAX_LENGTH}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// A character outside the dialect.
    #[error("glob is invalid: character `{}` found, wanted letters, digits and `-_:/*.@`", found.escape_debug())]
    Character {
        /// The character found.
        found: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undigested(glob: &str) -> Match {
        Glob::parse(glob).unwrap().matches_undigested("ghcr.io/acme/app")
    }

    #[test]
    fn unknown_digest_is_certain_where_stars_cover_it() {
        for glob in
            ["**", "ghcr.io/acme/app@*", "ghcr.io/acme/app*", "ghcr.io/acme/*", "ghcr.io/**", "*/*/app@sha256:*"]
        {
            assert_eq!(undigested(glob), Match::Always, "{glob}");
        }
        for glob in ["*", "*/*", "ghcr.io/*", "ghcr.io/acme/app", "ghcr.io/acme/app:*", "ghcr.io/acme/app@sha512:*"] {
            assert_eq!(undigested(glob), Match::Never, "{glob}");
        }
    }

    #[test]
    fn unknown_digest_decides_where_the_glob_names_its_digits() {
        let exact = format!("ghcr.io/acme/app@sha256:{}", "a".repeat(64));
        for glob in ["ghcr.io/acme/app@sha256:0*", "**f", "**0**", "ghcr.io/acme/app*c*", exact.as_str()] {
            assert_eq!(undigested(glob), Match::ByDigest, "{glob}");
        }
        assert_eq!(undigested("**g"), Match::Never);
        assert_eq!(undigested("ghcr.io/acme/app@sha256:F*"), Match::Never);
        assert_eq!(undigested(&exact[..exact.len() - 1]), Match::Never);
    }

    #[test]
    fn globs_without_room_for_a_digest_never_match() {
        for glob in ["nginx", "ghcr.io/acme/app", "ghcr.io/acme/app:1.2", "ghcr.io/acme/app:v1.*", "ghcr.io/*/app:*"] {
            assert!(Glob::parse(glob).unwrap().never_matches(), "{glob}");
        }
        for glob in ["abc", "nginx@*", "nginx*", "docker.io/library/nginx@*", "acme/**", "acme/app@*", "ghcr.io/**/app"]
        {
            assert!(Glob::parse(glob).unwrap().never_matches(), "{glob}");
        }
        for glob in [
            "**",
            "*",
            "ghcr.io/acme/app@*",
            "ghcr.io/acme/app*",
            "localhost:5000/**",
            "localhost:5000**",
            "**cafe",
            "*/*",
        ] {
            assert!(!Glob::parse(glob).unwrap().never_matches(), "{glob}");
        }
        assert!(!Glob::parse("ghcr.io/acme/app@sha256:*").unwrap().never_matches());
    }
}
