//! The same stage with a private Sigstore, whose certificates, log and clock vouch for what cosign signs.

use std::sync::Arc;

use peers::{Recipe, Sigstore, Subject};

use crate::stage::Stage;

pub(crate) const ALICE: Subject<'static> = Subject::Email("alice@sealgate.test");
pub(crate) const BOB: Subject<'static> = Subject::Email("bob@sealgate.test");

pub(crate) struct Instance {
    pub(crate) stage: Stage,
    sigstore: Arc<Sigstore>,
}

impl Instance {
    /// With keys of these names, and the instance's trusted root. Nothing, said, where a peer is missing.
    pub(crate) fn with_keys(names: &[&'static str]) -> Option<Self> {
        if !peers::present(&Sigstore::PROGRAMS) {
            return None;
        }
        let stage = Stage::with_keys(names)?;
        let sigstore = Sigstore::shared();
        Some(Self { stage: stage.with_root(sigstore.trusted_root()), sigstore })
    }

    /// Has cosign sign in somebody's name.
    pub(crate) fn sign_as(&self, who: Subject<'_>, recipe: Recipe, image: &str) {
        let mut words = self.services(recipe);
        words.extend(["--identity-token".to_owned(), self.sigstore.token(who)]);
        self.stage.sign_with(None, &words, image);
    }

    /// Has cosign sign by a key, with what these services say about it.
    pub(crate) fn sign_by(&self, key: &str, recipe: Recipe, image: &str) {
        self.stage.sign_with(Some(key), &self.services(recipe), image);
    }

    fn services(&self, recipe: Recipe) -> Vec<String> {
        let (config, root) = (self.sigstore.signing_config(recipe), self.sigstore.trusted_root());
        vec![format!("--signing-config={}", config.display()), format!("--trusted-root={}", root.display())]
    }

    /// An entry of `identities` for exactly this one.
    pub(crate) fn identity(&self, who: Subject<'_>) -> String {
        let (name, issuer) = self.sigstore.identity(who);
        format!("{{issuer: '{issuer}', subject: '{name}'}}")
    }

    /// An entry of `identities` for whom this expression matches, of the issuer of e-mail addresses.
    pub(crate) fn expression(&self, subject: &str) -> String {
        format!("{{issuer: '{}', subjectRegExp: '{subject}'}}", self.sigstore.identity(ALICE).1)
    }
}
