//! One policy of the grid: the object itself, what goes with it, and which images it is asked about.

use serde_json::{Value, json};

/// A policy with everything that is needed to ask about it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) policy: Value,
    /// The trust root that it may refer to.
    pub(crate) root: Option<Root>,
    /// The object in which the image is to run.
    pub(crate) object: Option<Value>,
    /// Whether a few images tell all there is to tell.
    pub(crate) few: bool,
    /// Whether policy-tester says the same of each of its images.
    pub(crate) alike: bool,
}

/// A TrustRoot, with the name `root`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// What policy-tester can read of the private Sigstore: all but its second log.
    Whole,
    /// The second log too.
    WithRekor2,
    /// Without the log of certificates.
    NoCertificateLog,
    /// Of other services with the same names.
    OfOthers,
}

/// The images of cases that say the same of most.
pub(crate) const FEW: [&str; 4] = ["unsigned", "key", "name-bundle", "index"];

impl Case {
    /// A policy about all images with these authorities.
    pub(crate) fn new(name: &'static str, authorities: &[Value]) -> Self {
        let policy = json!({
            "apiVersion": "policy.sigstore.dev/v1beta1",
            "kind": "ClusterImagePolicy",
            "metadata": { "name": name },
            "spec": { "images": [{ "glob": "**" }], "authorities": authorities },
        });
        Self { name, policy, root: None, object: None, few: false, alike: false }
    }

    /// In the older version of the API; the newer one loses `ctlog.trustRootRef` on its way through policy-tester.
    pub(crate) fn alpha(mut self) -> Self {
        self.policy["apiVersion"] = json!("policy.sigstore.dev/v1alpha1");
        self
    }

    pub(crate) fn under(mut self, root: Root) -> Self {
        self.root = Some(root);
        self
    }

    /// With a further field of the spec, or another value of one.
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.policy["spec"][field] = value;
        self
    }

    pub(crate) fn without(mut self, field: &str) -> Self {
        self.policy["spec"].as_object_mut().expect("a spec is an object").remove(field);
        self
    }

    pub(crate) fn about(mut self, object: Value) -> Self {
        self.object = Some(object);
        self
    }

    pub(crate) fn few(mut self) -> Self {
        self.few = true;
        self
    }

    pub(crate) fn alike(mut self) -> Self {
        self.alike = true;
        self
    }
}
