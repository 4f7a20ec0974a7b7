//! Lists in pages: repositories, tags, referrers. A page that is not the last names the next one in `Link`.

use axum::response::{IntoResponse, Response};
use http::{
    HeaderName,
    header::{CONTENT_TYPE, LINK},
};
use oci::{AnyDigest, Descriptor, Repository, location, media_type};
use serde_json::json;

use super::{problem::Problem, server::Asked};

/// `GET _catalog`.
pub(super) fn catalog(asked: &Asked) -> Result<Response, Problem> {
    let mut page = Page::asked(asked)?;
    let last = asked.parameter("last").unwrap_or_default();
    asked.registry.store().repositories(&mut |name| page.take(name.path(), last));
    let link = page.link("/v2/_catalog", "");
    Ok(answer(json!({ "repositories": page.entries }).to_string().into_bytes(), "application/json", link))
}

/// `GET <name>/tags/list`.
pub(super) fn tags(asked: &Asked, repository: &Repository) -> Result<Response, Problem> {
    let mut page = Page::asked(asked)?;
    let last = asked.parameter("last").unwrap_or_default();
    asked.registry.store().tags(repository, &mut |tag| page.take(tag.as_str(), last))?;
    let link = page.link(&format!("/v2/{}/tags/list", repository.path()), "");
    let body = json!({ "name": repository.path(), "tags": page.entries });
    Ok(answer(body.to_string().into_bytes(), "application/json", link))
}

/// `GET <name>/referrers/<digest>`. What nothing refers to, present or not, has an empty list.
pub(super) fn referrers(asked: &Asked, repository: &Repository, subject: &AnyDigest) -> Result<Response, Problem> {
    if !asked.registry.has_referrers() {
        return Err(Problem::NoReferrers);
    }
    let mut page = ReferrersPage::asked(asked)?;
    let filter = asked.parameter("artifactType");
    asked.registry.store().referrers(repository, subject, &mut |found| page.take(found, filter));
    let filter_again = filter.map_or_else(String::new, |kind| {
        url::form_urlencoded::Serializer::new(String::from("&")).append_pair("artifactType", kind).finish()
    });
    let link = page.link(&format!("/v2/{}/referrers/{subject}", repository.path()), &filter_again);
    let mut response = answer(location::fallback_index(&page.entries), media_type::OCI_INDEX, link);
    if filter.is_some() {
        response.headers_mut().insert(FILTERS_APPLIED, http::HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

fn answer(body: Vec<u8>, content_type: &'static str, link: Option<String>) -> Response {
    let mut response = ([(CONTENT_TYPE, content_type)], body).into_response();
    if let Some(link) = link {
        let link = link.parse().expect("names, tags, digests and encoded text are a header value");
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// How many entries a page may have: what was asked for, at most what the limits say.
fn page_size(asked: &Asked) -> Result<usize, Problem> {
    let most = asked.registry.limits().page;
    match asked.parameter("n") {
        None => Ok(most),
        Some(n) => n.parse().map(|n: usize| n.min(most)).map_err(|_| Problem::PageSize),
    }
}

/// A page of names.
struct Page {
    size: usize,
    entries: Vec<String>,
    more: bool,
}

impl Page {
    fn asked(asked: &Asked) -> Result<Self, Problem> {
        Ok(Self { size: page_size(asked)?, entries: Vec::new(), more: false })
    }

    /// Takes the next name in order unless it was on an earlier page; whether to go on.
    fn take(&mut self, name: &str, last: &str) -> bool {
        if !last.is_empty() && name <= last {
            return true;
        }
        self.more = self.entries.len() == self.size;
        if !self.more {
            self.entries.push(name.to_owned());
        }
        !self.more
    }

    fn link(&self, path: &str, rest: &str) -> Option<String> {
        let last = self.entries.last().filter(|_| self.more)?;
        Some(format!("<{path}?n={}&last={last}{rest}>; rel=\"next\"", self.size))
    }
}

/// A page of referrers, cut by number and by bytes: annotations may be long.
struct ReferrersPage {
    size: usize,
    bytes_left: usize,
    after: Option<AnyDigest>,
    entries: Vec<Descriptor>,
    more: bool,
}

impl ReferrersPage {
    fn asked(asked: &Asked) -> Result<Self, Problem> {
        let after = asked.parameter("last").map(str::parse).transpose()?;
        let bytes_left = asked.registry.limits().manifest_bytes;
        Ok(Self { size: page_size(asked)?, bytes_left, after, entries: Vec::new(), more: false })
    }

    /// Takes the next referrer by digest unless it was on an earlier page or is of another type; whether to go on.
    fn take(&mut self, found: &Descriptor, filter: Option<&str>) -> bool {
        let earlier = self.after.is_some_and(|after| found.digest <= after);
        if earlier || filter.is_some_and(|kind| found.artifact_type.as_deref() != Some(kind)) {
            return true;
        }
        let length = json!(found).to_string().len();
        self.more = self.entries.len() == self.size || (length > self.bytes_left && !self.entries.is_empty());
        if !self.more {
            self.bytes_left = self.bytes_left.saturating_sub(length);
            self.entries.push(found.clone());
        }
        !self.more
    }

    fn link(&self, path: &str, rest: &str) -> Option<String> {
        let last = self.entries.last().filter(|_| self.more)?;
        Some(format!("<{path}?n={}&last={}{rest}>; rel=\"next\"", self.size, last.digest))
    }
}

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
