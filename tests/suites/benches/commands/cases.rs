//! The commands that are measured.

use std::path::{Path, PathBuf};

use peers::{Cosign, Format, Registry};

use crate::{
    keyless,
    scene::{Image, Scene},
};

/// One row: a command that is run once in each round.
pub(crate) struct Case<'a> {
    pub(crate) group: &'static str,
    pub(crate) what: String,
    pub(crate) who: &'static str,
    pub(crate) program: PathBuf,
    /// The registry whose requests are counted.
    pub(crate) registry: Option<&'a Registry>,
    /// The command's arguments in that round.
    pub(crate) arguments: Box<dyn Fn(usize) -> Vec<String> + 'a>,
}

pub(crate) const VERIFY: &str = "Verify";
pub(crate) const SLOW: &str = "Verify, 20 ms a request";
pub(crate) const SIGN: &str = "Sign";
pub(crate) const FLOOR: &str = "Floors";
pub(crate) const OURS: &str = "sealgate";
pub(crate) const MANY: usize = 50;

/// All of them; what they need is put into the registries here.
pub(crate) fn all<'a>(scene: &'a Scene, sealgate: &'a Path) -> Vec<Case<'a>> {
    let Scene { api, plain, slow, .. } = scene;
    let bench = Bench { scene, sealgate };
    let legacy = scene.signed(api, Format::Legacy, 1);
    let bundle = scene.signed(api, Format::Bundle, 1);
    let fallback = scene.signed(plain, Format::Bundle, 1);
    let many_layers = scene.signed(api, Format::Legacy, MANY);
    let many_bundles = scene.signed(api, Format::Bundle, MANY);
    let slow_legacy = scene.signed(slow, Format::Legacy, 1);
    let slow_bundle = scene.signed(slow, Format::Bundle, 1);
    [
        bench.verify(VERIFY, api, "legacy, by tag", &legacy.by_tag),
        bench.verify(VERIFY, api, "legacy, by digest", &legacy.by_digest),
        bench.verify(VERIFY, api, "bundle, by tag", &bundle.by_tag),
        bench.verify(VERIFY, api, "bundle, by digest", &bundle.by_digest),
        bench.verify(VERIFY, plain, "bundle under the fallback tag, by tag", &fallback.by_tag),
        bench.verify(VERIFY, plain, "bundle under the fallback tag, by digest", &fallback.by_digest),
        bench.verify(VERIFY, api, "50 signatures, legacy, by tag", &many_layers.by_tag),
        bench.verify(VERIFY, api, "50 bundles, by tag", &many_bundles.by_tag),
        bench.verify(SLOW, slow, "legacy, by tag", &slow_legacy.by_tag),
        bench.verify(SLOW, slow, "legacy, by digest", &slow_legacy.by_digest),
        bench.verify(SLOW, slow, "bundle, by tag", &slow_bundle.by_tag),
        bench.verify(SLOW, slow, "bundle, by digest", &slow_bundle.by_digest),
        keyless::verify(scene, sealgate),
        bench.sign(Format::Legacy),
        bench.sign(Format::Bundle),
        bench.floors(&legacy),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Bench<'a> {
    scene: &'a Scene,
    sealgate: &'a Path,
}

impl<'a> Bench<'a> {
    /// The same image verified by all three.
    fn verify(&self, group: &'static str, registry: &'a Registry, what: &str, image: &str) -> Vec<Case<'a>> {
        let key = self.scene.key.public.display().to_string();
        let case = |(who, program, flags): (_, PathBuf, &[&str])| {
            let arguments = words(&["verify"], flags, &["--key", &key, image]);
            let arguments = Box::new(move |_| arguments.clone());
            Case { group, what: what.to_owned(), who, program, registry: Some(registry), arguments }
        };
        let ours: &[&str] = &["--insecure-ignore-tlog=true"];
        let cosign = &Cosign::VERIFYING_FLAGS;
        let three = [
            (OURS, self.sealgate.to_owned(), ours),
            ("cosign 2", find("cosign-2"), cosign),
            ("cosign 3", find("cosign-3"), cosign),
        ];
        three.map(case).into()
    }

    /// The first signature of an image that is new in each round.
    fn sign(&self, format: Format) -> Vec<Case<'a>> {
        let ours: &[&str] = match format {
            Format::Legacy => &["--yes", "--tlog-upload=false", "--format=legacy"],
            Format::Bundle => &["--yes", "--tlog-upload=false", "--format=bundle"],
        };
        let three = [
            (OURS, self.sealgate.to_owned(), ours),
            ("cosign 2", find("cosign-2"), Cosign::v2().signing_flags(format)),
            ("cosign 3", find("cosign-3"), Cosign::v3().signing_flags(format)),
        ];
        three.map(|(who, program, flags)| self.signing(format, who, program, flags)).into()
    }

    fn signing(&self, format: Format, who: &'static str, program: PathBuf, flags: &'static [&'static str]) -> Case<'a> {
        let (scene, what) = (self.scene, format!("{format:?}").to_lowercase());
        let name = format!("sign-{what}-{}", who.replace(' ', "-"));
        let key = scene.private_key().display().to_string();
        let arguments = Box::new(move |round| {
            let image = scene.fresh(&scene.api, &format!("{name}-{round}"));
            words(&["sign"], flags, &["--key", &key, &image.by_digest])
        });
        Case { group: SIGN, what, who, program, registry: Some(&scene.api), arguments }
    }

    /// What nobody can be below who starts a process, asks a registry, or opens a key file.
    fn floors(&self, image: &Image) -> Vec<Case<'a>> {
        let this = std::env::current_exe().expect("this program has a path");
        let (address, path) = image.by_tag.split_once('/').expect("an address");
        let (name, tag) = path.rsplit_once(':').expect("a tag");
        let url = format!("http://{address}/v2/{name}/manifests/{tag}");
        let floor = |what: &str, who, program, registry, arguments: &[&str]| {
            let arguments = words(arguments, &[], &[]);
            let arguments = Box::new(move |_| arguments.clone());
            Case { group: FLOOR, what: what.to_owned(), who, program, registry, arguments }
        };
        let api = Some(&self.scene.api);
        vec![
            floor("an empty process", "true", find("true"), None, &[]),
            floor("one manifest", "curl", find("curl"), api, &["--silent", "--fail", &url]),
            floor("one digest", "crane", find("crane"), api, &["digest", &image.by_tag]),
            floor(SCRYPT, "this program", this, None, &["scrypt"]),
        ]
    }
}

/// The name of the floor below every signature.
pub(crate) const SCRYPT: &str = "scrypt, N = 65536, r = 8, p = 1";

pub(crate) fn words(first: &[&str], second: &[&str], third: &[&str]) -> Vec<String> {
    [first, second, third].concat().into_iter().map(str::to_owned).collect()
}

pub(crate) fn find(program: &str) -> PathBuf {
    peers::find(program).unwrap_or_else(|| panic!("{program} is missing; run tests/peers/install.sh"))
}
