//! Lists that come in pages: referrers and tags.
//!
//! A next page must be on the same registry and below the same repository, no page is read twice, and all of them
//! together are bounded. A list that is not read to its end is an error, never a shorter list.

use std::collections::HashSet;

use http::{StatusCode, header};
use oci::Repository;
use url::Url;

use crate::{
    Client, RegistryError,
    address::Registry,
    answer::Answer,
    client::Ask,
    error::{Item, Violation, excerpt},
};

/// The pages of one list, read one after the other.
pub(crate) struct Pages<'a> {
    client: &'a Client,
    repository: &'a Repository,
    accept: &'static str,
    seen: HashSet<Url>,
    bytes: u64,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(client: &'a Client, repository: &'a Repository, accept: &'static str) -> Self {
        Self { client, repository, accept, seen: HashSet::new(), bytes: 0 }
    }

    /// The answer to a request for the first page, whatever it is.
    pub(crate) async fn first(&self, path: &str) -> Result<Answer, RegistryError> {
        self.client.send(Ask::get(self.repository, path).accepting(self.accept)).await
    }

    /// A page's body, and the answer with the page after it.
    pub(crate) async fn read(&mut self, page: Answer) -> Result<(Vec<u8>, Option<Answer>), RegistryError> {
        let limits = self.client.limits();
        let next = self.next_url(&page)?;
        self.seen.insert(page.url.clone());
        let bytes = match page.read(Item::List, limits.manifest - self.bytes).await {
            // what all pages may have together, not what is left of it
            Err(RegistryError::TooLarge { registry, item, declared, .. }) => {
                return Err(RegistryError::TooLarge { registry, item, declared, limit: limits.manifest });
            }
            other => other?,
        };
        self.bytes += bytes.len() as u64;
        let Some(url) = next else { return Ok((bytes, None)) };
        let registry = self.repository.domain().to_owned();
        if self.seen.contains(&url) {
            return Err(RegistryError::Violation { registry, violation: Violation::LinkLoop });
        }
        if self.seen.len() >= limits.pages {
            return Err(RegistryError::TooMany { registry, item: Item::Pages, limit: limits.pages });
        }
        let answer = self.client.send(Ask::get(self.repository, "").at(url).accepting(self.accept)).await?;
        match answer.status {
            StatusCode::OK => Ok((bytes, Some(answer))),
            _ => Err(answer.into_error().await),
        }
    }

    fn next_url(&self, page: &Answer) -> Result<Option<Url>, RegistryError> {
        let texts = page.headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
        let Some(link) = texts.filter_map(next_link).next() else { return Ok(None) };
        let foreign = || page.violates(Violation::ForeignLink { link: excerpt(link.as_bytes()) });
        let url = page.url.join(link).map_err(|_| foreign())?;
        let registry = Registry::of(self.repository)?;
        let below = format!("/v2/{}/", self.repository.path());
        match self.client.transport().owns(&registry, &url) && url.path().starts_with(&below) {
            true => Ok(Some(url)),
            false => Err(foreign()),
        }
    }
}

/// The target of `<target>; rel="next"` among the links of one header.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let start = rest.find('<')? + 1;
        let end = start + rest[start..].find('>')?;
        let after = &rest[end + 1..];
        let parameters = &after[..after.find(",<").or_else(|| after.find(", <")).unwrap_or(after.len())];
        let is_next = |parameter: &str| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        };
        if parameters.split(';').any(is_next) {
            return Some(&rest[start..end]);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_link_is_found_among_others() {
        assert_eq!(next_link(r#"</a>; rel="prev", </b?n=1,2>; REL=next"#), Some("/b?n=1,2"));
        assert_eq!(next_link(r#"</a>; title="x"; rel="next""#), Some("/a"));
    }

    #[test]
    fn links_that_are_not_next_are_none() {
        assert_eq!(next_link(r#"</a>; rel="prev""#), None);
        assert_eq!(next_link("</a; rel=next"), None);
        assert_eq!(next_link("</a>"), None);
    }
}
