//! Exceptions, and the glass to be broken in an emergency: images that a policy lets in though it is not met, until a
//! day that is written down, for a reason that is written down.

use oci::{Digest, Repository};
use rustls_pki_types::UnixTime;
use serde::Serialize;

use super::{
    moment::{required_moment, written},
    names::Names,
    revoked::digests,
    scope::Asker,
};
use crate::{
    Glob,
    object::Object,
    problem::{Objection, Why},
};

/// All that a policy lets in though it is not met; nothing, where it does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reprieves {
    exceptions: Vec<Exception>,
    break_glass: Option<BreakGlass>,
}

/// Some images for some time.
#[derive(Debug, Clone)]
struct Exception {
    images: Vec<Glob>,
    digests: Vec<Digest>,
    namespaces: Option<Names>,
    terms: Terms,
}

/// Everything that the policy is about, for some time.
#[derive(Debug, Clone)]
struct BreakGlass {
    users: Option<Names>,
    terms: Terms,
}

/// Until when, and why. The last second belongs to it.
#[derive(Debug, Clone)]
struct Terms {
    until: UnixTime,
    reason: String,
}

/// That an image was let in though a policy was not met, or could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reprieve {
    /// The policy.
    pub policy: String,
    /// Which of its two ways.
    pub kind: ReprieveKind,
    /// Until when, RFC 3339 in UTC.
    pub until: String,
    /// Why, in the policy's words.
    pub reason: String,
}

/// How a policy lets in what does not meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReprieveKind {
    /// One of its `exceptions`.
    Exception,
    /// Its `breakGlass`.
    BreakGlass,
}

impl ReprieveKind {
    /// The words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::BreakGlass => "break-glass",
        }
    }
}

impl Reprieves {
    /// Reads `exceptions` and `breakGlass`.
    pub(crate) fn read(spec: &Object<'_>) -> Self {
        let exceptions = spec.objects("exceptions", &["images", "digests", "namespaces", "until", "reason"]);
        let break_glass = spec.object("breakGlass", &["until", "reason", "users"]);
        Self {
            exceptions: exceptions.iter().filter_map(Exception::read).collect(),
            break_glass: break_glass.and_then(|object| {
                let (users, terms) = (Names::read(&object, "users"), Terms::read(&object));
                Some(BreakGlass { users, terms: terms? })
            }),
        }
    }

    /// Whether there is any way in.
    pub(crate) fn any(&self) -> bool {
        !self.exceptions.is_empty() || self.break_glass.is_some()
    }

    /// The first that is about this image and this asker at this time. What is not known is not covered.
    pub(crate) fn find(
        &self,
        policy: &str,
        (repository, digest): (&Repository, Option<&Digest>),
        asker: &Asker,
        now: UnixTime,
    ) -> Option<Reprieve> {
        let exception = self.exceptions.iter().filter(|one| one.terms.run(now));
        let exception = exception.into_iter().find(|one| one.covers(repository, digest, asker));
        let broken = self.break_glass.as_ref().filter(|one| one.terms.run(now) && one.is_for(asker));
        let (kind, terms) = match (exception, broken) {
            (Some(exception), _) => (ReprieveKind::Exception, &exception.terms),
            (None, broken) => (ReprieveKind::BreakGlass, &broken?.terms),
        };
        let (until, reason) = (written(terms.until), terms.reason.clone());
        Some(Reprieve { policy: policy.to_owned(), kind, until, reason })
    }
}

impl Exception {
    fn read(object: &Object<'_>) -> Option<Self> {
        let subjects = ["images", "digests", "namespaces"];
        if !subjects.iter().any(|list| object.given(list)) {
            object.object_to(object.at(), Objection::Missing { paths: object.paths_of(&subjects) });
        } else {
            // An empty list would be about every image.
            subjects[..2].iter().for_each(|list| object.refuse_empty(list));
        }
        let images = crate::cluster_image_policy::listed_globs(object);
        let (digests, namespaces) = (digests(object, "digests"), Names::read(object, "namespaces"));
        Some(Self { images, digests, namespaces, terms: Terms::read(object)? })
    }

    /// Everything that it names must fit; of each list, one entry.
    fn covers(&self, repository: &Repository, digest: Option<&Digest>, asker: &Asker) -> bool {
        let pinned = digest.map(|digest| format!("{}@{digest}", repository.index_name()));
        let named = |glob: &Glob| pinned.as_ref().is_some_and(|name| glob.matches(name));
        let images = self.images.is_empty() || self.images.iter().any(named);
        let digests = self.digests.is_empty() || digest.is_some_and(|digest| self.digests.contains(digest));
        let here = |spaces: &Names| asker.namespace.as_ref().is_some_and(|namespace| spaces.include(namespace));
        images && digests && self.namespaces.as_ref().is_none_or(here)
    }
}

impl BreakGlass {
    fn is_for(&self, asker: &Asker) -> bool {
        let named = |users: &Names| asker.user.as_ref().is_some_and(|user| users.include(user));
        self.users.as_ref().is_none_or(named)
    }
}

impl Terms {
    fn read(object: &Object<'_>) -> Option<Self> {
        let (until, reason) = (required_moment(object, "until"), object.required_text("reason"));
        let reason = reason?;
        if reason.value.trim().is_empty() {
            reason.refuse(Why::Wanted("a reason in words"));
        }
        Some(Self { until: until?, reason: reason.value.to_owned() })
    }

    fn run(&self, now: UnixTime) -> bool {
        now <= self.until
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{image_policy::scope::Door, problem::Problems, yaml::documents};

    fn read(text: &str) -> (Reprieves, Vec<String>) {
        let problems = Problems::default();
        let nodes = documents(text, &problems);
        let read = Reprieves::read(&Object::open_any(&nodes[0], "spec".to_owned(), &problems));
        (read, problems.take().into_iter().map(|(_, objection)| objection.to_string()).collect())
    }

    fn asker(user: Option<&str>, namespace: Option<&str>) -> Asker {
        Asker { door: Door::Webhook, user: user.map(str::to_owned), namespace: namespace.map(str::to_owned) }
    }

    /// 2026-01-01T00:00:00Z and so many seconds.
    fn new_year(seconds: i64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(1_767_225_600_u64.strict_add_signed(seconds)))
    }

    fn found(text: &str, asker: &Asker, now: UnixTime) -> Option<ReprieveKind> {
        let (reprieves, problems) = read(text);
        assert_eq!(problems, Vec::<String>::new());
        let (repository, digest) = ("ghcr.io/acme/app".parse().unwrap(), Digest::of(b"x"));
        reprieves.find("p", (&repository, Some(&digest)), asker, now).map(|one| one.kind)
    }

    const APP: &str =
        "exceptions: [{images: [{glob: ghcr.io/acme/app@*}], until: '2026-01-01T00:00:00Z', reason: moving}]";

    #[test]
    fn exception_ends_after_its_last_second() {
        let nobody = asker(None, None);
        assert_eq!(found(APP, &nobody, new_year(-1)), Some(ReprieveKind::Exception));
        assert_eq!(found(APP, &nobody, new_year(0)), Some(ReprieveKind::Exception));
        assert_eq!(found(APP, &nobody, new_year(1)), None);
    }

    #[test]
    fn exception_covers_only_what_it_names() {
        let nobody = asker(None, None);
        let with =
            |subject: &str| format!("exceptions: [{{{subject}, until: '2026-01-01T00:00:00Z', reason: moving}}]");
        let digest = Digest::of(b"x");
        for good in [
            format!("digests: ['{digest}']"),
            format!("images: [{{glob: 'x/*'}}, {{glob: '**'}}], digests: ['{digest}']"),
        ] {
            assert!(found(&with(&good), &nobody, new_year(0)).is_some(), "{good}");
        }
        let other = Digest::of(b"y");
        for bad in [
            format!("digests: ['{other}']"),
            "images: [{glob: ghcr.io/acme/other@*}]".to_owned(),
            format!("images: [{{glob: '**'}}], digests: ['{other}']"),
            "images: [{glob: '**'}], namespaces: [prod]".to_owned(),
        ] {
            assert_eq!(found(&with(&bad), &nobody, new_year(0)), None, "{bad}");
        }
        let spaces = with("namespaces: [dev-*]");
        assert!(found(&spaces, &asker(None, Some("dev-1")), new_year(0)).is_some());
        assert_eq!(found(&spaces, &asker(None, Some("prod")), new_year(0)), None);
    }

    #[test]
    fn image_without_a_digest_is_no_exception_by_image() {
        let repository = "ghcr.io/acme/app".parse().unwrap();
        assert_eq!(read(APP).0.find("p", (&repository, None), &asker(None, None), new_year(0)), None);
    }

    #[test]
    fn glass_is_broken_for_its_users_until_it_is_mended() {
        let glass = "breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage, users: [oncall-*]}";
        let oncall = asker(Some("oncall-ann"), None);
        assert_eq!(found(glass, &oncall, new_year(0)), Some(ReprieveKind::BreakGlass));
        assert_eq!(found(glass, &oncall, new_year(1)), None);
        assert_eq!(found(glass, &asker(Some("bob"), None), new_year(0)), None);
        assert_eq!(found(glass, &asker(None, None), new_year(0)), None, "nobody knows who asks");
        let everybody = "breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage}";
        assert_eq!(found(everybody, &asker(None, None), new_year(0)), Some(ReprieveKind::BreakGlass));
    }

    #[test]
    fn end_and_reason_are_required() {
        for text in [
            "exceptions: [{images: [{glob: '**'}], reason: moving}]",
            "exceptions: [{images: [{glob: '**'}], until: '2026-01-01T00:00:00Z'}]",
            "exceptions: [{images: [{glob: '**'}], until: '2026-01-01T00:00:00Z', reason: ' '}]",
            "exceptions: [{images: [{glob: '**'}], until: someday, reason: moving}]",
            "exceptions: [{until: '2026-01-01T00:00:00Z', reason: moving}]",
            "exceptions: [{images: [], until: '2026-01-01T00:00:00Z', reason: moving}]",
            "exceptions: [{images: [], namespaces: [dev], until: '2026-01-01T00:00:00Z', reason: moving}]",
            "exceptions: [{digests: [], namespaces: [dev], until: '2026-01-01T00:00:00Z', reason: moving}]",
            "exceptions: [{digests: ['sha256:1'], until: '2026-01-01T00:00:00Z', reason: moving}]",
            "breakGlass: {reason: outage}",
            "breakGlass: {until: '2026-01-01T00:00:00Z'}",
            "breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage, users: []}",
            "breakGlass: {until: '2026-01-01T00:00:00Z', reason: outage, images: []}",
        ] {
            assert_eq!(read(text).1.len(), 1, "{text}: {:?}", read(text).1);
        }
    }
}
