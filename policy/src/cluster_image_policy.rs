//! ClusterImagePolicy, v1alpha1 and v1beta1, which differ in nothing but their name: read in full and validated as
//! its upstream admission webhook does, with its words.

use crate::{
    Glob,
    authority::{Regexes, authority},
    glob::GlobError,
    image_policy::Terms,
    model::{Authority, Mode, NotReady, Policy},
    object::Object,
    problem::{Objection, Why},
    program::spec_policy,
    references::{Context, References},
    resource::ResourceMatch,
};

/// What a reader does with a policy that has no authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmptyAuthorities {
    /// Refuses the policy, as upstream does unless configured otherwise.
    Invalid,
    /// Keeps the policy, which then refuses every image that it matches.
    Unsatisfiable,
}

/// Reads the `spec` of a policy with this name. The result counts only if there was no problem.
pub(crate) fn policy<'a>(name: &str, top: &Object<'a>, empty: EmptyAuthorities, references: &References<'a>) -> Policy {
    const FIELDS: [&str; 5] = ["images", "authorities", "policy", "mode", "match"];
    let Some(spec) = top.object("spec", &FIELDS) else {
        top.object_to(top.at(), Objection::Missing { paths: vec!["spec.images".into(), "spec.authorities".into()] });
        return Policy::unsatisfiable(name);
    };
    let mut context = Context::new(references);
    let mut policy = Policy {
        name: name.to_owned(),
        mode: mode(&spec),
        globs: globs(&spec),
        resources: resources(&spec),
        authorities: authorities(&spec, (&crate::authority::FIELDS, Regexes::Found), empty, &mut context),
        whole: None,
        terms: Terms::default(),
        unready: None,
        lack: None,
    };
    policy.whole = spec_policy(&spec, &mut context);
    let unready = context.unready(policy.authorities.is_empty());
    Policy { unready, ..policy }
}

impl Policy {
    pub(crate) fn unsatisfiable(name: &str) -> Self {
        let unready = Some(NotReady::NoAuthorities);
        let (name, mode) = (name.to_owned(), Mode::Enforce);
        Self {
            name,
            mode,
            globs: Vec::new(),
            resources: Vec::new(),
            authorities: Vec::new(),
            whole: None,
            terms: Terms::default(),
            unready,
            lack: None,
        }
    }
}

fn mode(spec: &Object<'_>) -> Mode {
    let Some(text) = spec.text("mode") else { return Mode::Enforce };
    match text.value {
        "warn" => Mode::Warn,
        value => {
            text.expect(value == "enforce", "enforce or warn");
            Mode::Enforce
        }
    }
}

pub(crate) fn globs(spec: &Object<'_>) -> Vec<Glob> {
    let globs = listed_globs(spec);
    if !spec.given("images") {
        spec.object_to(spec.at_field("images"), Objection::Missing { paths: vec![spec.path_of("images")] });
    }
    globs
}

/// The globs of a list, which may be absent.
pub(crate) fn listed_globs(object: &Object<'_>) -> Vec<Glob> {
    let images = object.objects("images", &["glob"]);
    let texts = images.iter().filter_map(|image| image.required_text("glob"));
    texts
        .filter_map(|text| Glob::parse(text.value).map_err(|why: GlobError| text.refuse(Why::Glob(why))).ok())
        .collect()
}

pub(crate) fn authorities<'a>(
    spec: &Object<'a>,
    (fields, regexes): (&[&str], Regexes),
    empty: EmptyAuthorities,
    context: &mut Context<'_, 'a>,
) -> Vec<Authority> {
    let entries = spec.objects("authorities", fields);
    if entries.is_empty() && empty == EmptyAuthorities::Invalid {
        spec.object_to(spec.at_field("authorities"), Objection::Missing { paths: vec![spec.path_of("authorities")] });
    }
    let mut authorities: Vec<Authority> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let read = authority(entry, index, regexes, context);
        if authorities.iter().any(|earlier| earlier.name == read.name) {
            let objection = Objection::invalid(&read.name, entry.path_of("name"), Why::AuthorityName);
            entry.object_to(entry.at_field("name"), objection);
        }
        authorities.push(read);
    }
    authorities
}

/// For which objects the policy is; an empty list is for all.
pub(crate) fn resources(spec: &Object<'_>) -> Vec<ResourceMatch> {
    let entries = spec.objects("match", &["group", "version", "resource", "selector"]);
    entries.iter().map(resource).collect()
}

fn resource(entry: &Object<'_>) -> ResourceMatch {
    let named = [entry.text("group"), entry.text("version")].iter().any(Option::is_some);
    let resource = entry.text("resource");
    if let Some(text) = &resource {
        text.expect(RESOURCES.contains(&text.value), RESOURCES_SHOWN);
    }
    if entry.has("selector") && !named && resource.is_none() {
        let paths = entry.paths_of(&["group", "resource", "version"]);
        entry.object_to(entry.at(), Objection::Missing { paths });
    }
    ResourceMatch::read(entry)
}

const RESOURCES: [&str; 7] = ["pods", "replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"];
const RESOURCES_SHOWN: &str = "pods, replicasets, deployments, statefulsets, daemonsets, jobs or cronjobs";
