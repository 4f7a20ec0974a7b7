//! Paths from a signer's certificate to a root: which certificates may lie between, who may issue, and that a stranger's
//! certificates cannot make it long to look.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![expect(clippy::cast_possible_truncation, reason = "lengths of what is made here are small")]

mod world;

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use serde_json::json;
use verifier::{
    Artifact, CertificateAuthority, ChainFault, Demands, Fault, Found, TimestampAuthority, TimestampFault, TrustRoot,
    UntrustedSignature, Window, examine, examine_blob,
};
use world::{
    Leaf, NOW, T, Tsa, World, b64, image, judge, judge_layer, payload, place, signer, stamp_fault, stamped, statement,
    time, token, unlogged,
};

/// Somebody who issues certificates, and the certificate of whoever that is.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// What is particular about a certificate.
type Change<'a> = &'a dyn Fn(&mut CertificateParams);

const PLAIN: Change<'static> = &|_| ();

fn params(name: &str) -> CertificateParams {
    let at = |seconds| (UNIX_EPOCH + Duration::from_secs(seconds)).into();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (at(T - 1000), at(T + 100_000_000));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.serial_number = Some(SerialNumber::from(3));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn changed(name: &str, change: Change<'_>) -> CertificateParams {
    let mut params = params(name);
    change(&mut params);
    params
}

fn root(change: Change<'_>) -> Ca {
    let (params, key) = (changed("root", change), KeyPair::generate().unwrap());
    let pem = params.self_signed(&key).unwrap().pem();
    Ca { issuer: Issuer::new(params, key), pem }
}

impl Ca {
    fn below(&self, name: &str, change: Change<'_>) -> Self {
        self.with_key(name, change, KeyPair::generate().unwrap())
    }

    fn with_key(&self, name: &str, change: Change<'_>, key: KeyPair) -> Self {
        let params = changed(name, change);
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    #[expect(clippy::needless_pass_by_value, reason = "whoever wants a leaf makes its description on the spot")]
    fn leaf(&self, params: CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().to_vec();
        Leaf { der, key: keys::PrivateKey::from_pkcs8(key.serialized_der()).unwrap() }
    }

    fn signer(&self) -> Leaf {
        self.leaf(signer(T))
    }

    fn der(&self) -> Vec<u8> {
        pem::parse(&self.pem).unwrap().into_contents()
    }
}

fn same_key(key: &KeyPair) -> KeyPair {
    KeyPair::from_pem(&key.serialize_pem()).unwrap()
}

/// Trust in these certificates, the root last.
fn trust(world: &World, chain: &[&Ca]) -> TrustRoot {
    let pem: String = chain.iter().map(|ca| ca.pem.as_str()).collect();
    let authority = CertificateAuthority::from_pem(&pem, Window::UNBOUNDED).unwrap();
    let logged = Demands { log_entry: true, ..Demands::NOTHING };
    TrustRoot::new(vec![]).with_authority(authority).with_log(world.log()).demanding(logged)
}

/// What a bundle by this signer comes to where these are trusted, the root last.
fn verdict(leaf: &Leaf, chain: &[&Ca]) -> Result<(), Fault> {
    let world = World::new();
    judge(&world.bundle(leaf, T + 1), &trust(&world, chain)).map(drop)
}

/// A layer by this signer that carries these certificates.
fn carrying(world: &World, leaf: &Leaf, chain: &[Vec<u8>]) -> BTreeMap<String, String> {
    let mut annotations = world.layer(leaf, &payload(), T + 1);
    let pem = chain.iter().map(|der| pem::encode(&pem::Pem::new("CERTIFICATE", der.clone()))).collect();
    annotations.insert("dev.sigstore.cosign/chain".into(), pem);
    annotations
}

const UNKNOWN: Fault = Fault::Chain(ChainFault::UnknownIssuer);
const NO_ISSUER: Fault = Fault::Chain(ChainFault::NoIssuer);

fn too_long() -> Fault {
    Fault::Chain(ChainFault::Broken { why: "PathLenConstraintViolated".into() })
}

#[test]
fn carried_intermediate_counts_only_where_the_authority_lists_none() {
    let world = World::new();
    let root = root(PLAIN);
    let (listed, other) = (root.below("listed", PLAIN), root.below("other", PLAIN));
    let leaf = other.signer();
    let annotations = carrying(&world, &leaf, &[other.der(), root.der()]);
    assert!(judge_layer(&payload(), annotations.clone(), &trust(&world, &[&root])).is_ok());
    let refused = judge_layer(&payload(), annotations, &trust(&world, &[&listed, &root])).unwrap_err();
    assert_eq!(refused, UNKNOWN);
    let mut bundle = world.bundle(&leaf, T + 1);
    bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.2");
    bundle["verificationMaterial"].as_object_mut().unwrap().shift_remove("certificate");
    let raw = |der: &[u8]| json!({ "rawBytes": b64(der) });
    bundle["verificationMaterial"]["x509CertificateChain"] =
        json!({ "certificates": [raw(&leaf.der), raw(&other.der())] });
    let file = |trust: &TrustRoot| {
        let artifact = Artifact::Digest(*image().digest());
        examine_blob(artifact, bundle.to_string().into_bytes(), trust, time(NOW)).map(drop)
    };
    assert_eq!(file(&trust(&world, &[&root])), Ok(()));
    assert_eq!(file(&trust(&world, &[&listed, &root])), Err(UNKNOWN));
}

#[test]
fn certificates_in_a_timestamp_count_only_where_its_authority_lists_none() {
    let world = World::new();
    let root = root(PLAIN);
    let (listed, other) = (root.below("listed", PLAIN), root.below("other", PLAIN));
    let stamper = other.leaf(Tsa::stamper());
    let bundle = unlogged(&world.leaf(), &statement());
    let stamp = token(&stamper, &stamper, &world::signature(&bundle), T + 1, &[&stamper.der, &other.der()]);
    let bundle = stamped(bundle, &[stamp]);
    let under = |chain: &[&Ca]| {
        let pem: String = chain.iter().map(|ca| ca.pem.as_str()).collect();
        let clock = TimestampAuthority::from_pem(&pem, Window::UNBOUNDED).unwrap();
        judge(&bundle, &world::stamps_only(world.trust_without_time().with_timestamp_authority(clock)))
    };
    assert!(under(&[&root]).is_ok());
    assert!(under(&[&other, &root]).is_ok());
    assert_eq!(stamp_fault(under(&[&listed, &root]).unwrap_err()), TimestampFault::Foreign);
}

#[test]
fn issuer_must_be_an_authority_that_may_sign_certificates() {
    let no_usage: Change<'_> = &|params| params.key_usages.clear();
    let other_usage: Change<'_> = &|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let no_authority: Change<'_> = &|params| params.is_ca = IsCa::ExplicitNoCa;
    let plain = root(PLAIN);
    for (change, wanted) in [(no_usage, Ok(())), (other_usage, Err(NO_ISSUER)), (no_authority, Err(NO_ISSUER))] {
        let middle = plain.below("middle", change);
        assert_eq!(verdict(&middle.signer(), &[&middle, &plain]), wanted);
        let root = root(change);
        let middle = root.below("middle", PLAIN);
        assert_eq!(verdict(&middle.signer(), &[&middle, &root]), wanted);
        assert_eq!(verdict(&root.signer(), &[&root]), wanted);
    }
}

#[test]
fn authority_limits_how_many_stand_below_it() {
    let most =
        |most: u8| move |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
    let root_of = |count| root(&most(count));
    let (none, one) = (root_of(0), root_of(1));
    assert_eq!(verdict(&none.signer(), &[&none]), Ok(()));
    let (below_none, below_one) = (none.below("middle", PLAIN), one.below("middle", &most(0)));
    assert_eq!(verdict(&below_none.signer(), &[&below_none, &none]), Err(too_long()));
    assert_eq!(verdict(&below_one.signer(), &[&below_one, &one]), Ok(()));
    let plain = root(PLAIN);
    let last = plain.below("last", &most(0));
    let further = last.below("further", PLAIN);
    assert_eq!(verdict(&further.signer(), &[&further, &last, &plain]), Err(too_long()));
}

#[test]
fn signer_is_no_authority_and_issues_nothing() {
    let world = World::new();
    let root = root(PLAIN);
    let mut authority = signer(T);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert!(matches!(verdict(&root.leaf(authority), &[&root]), Err(Fault::Chain(ChainFault::Broken { .. }))));
    // a signer that may sign certificates, but is no authority's, makes one
    let mut made = signer(T);
    made.distinguished_name.push(DnType::CommonName, "signer");
    made.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let key = KeyPair::generate().unwrap();
    let der = made.signed_by(&key, &root.issuer).unwrap().der().to_vec();
    let forged = Ca { issuer: Issuer::new(made, key), pem: String::new() }.signer();
    let annotations = carrying(&world, &forged, &[der]);
    assert_eq!(judge_layer(&payload(), annotations, &trust(&world, &[&root])).unwrap_err(), NO_ISSUER);
}

#[test]
fn intermediate_for_another_purpose_names_no_signer() {
    let root = root(PLAIN);
    let clock = root.below("clock", &|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::TimeStamping]);
    assert!(matches!(verdict(&clock.signer(), &[&clock, &root]), Err(Fault::Chain(ChainFault::Broken { .. }))));
    let world = World::new();
    let annotations = carrying(&world, &clock.signer(), &[clock.der()]);
    let refused = judge_layer(&payload(), annotations, &trust(&world, &[&root])).unwrap_err();
    assert!(matches!(refused, Fault::Chain(ChainFault::Broken { .. })), "{refused}");
}

#[test]
fn names_outside_what_an_authority_is_constrained_to_are_refused() {
    let root = root(PLAIN);
    let within = |subtree: GeneralSubtree| {
        let constraints = NameConstraints { permitted_subtrees: vec![subtree], excluded_subtrees: vec![] };
        let middle = root.below("middle", &|params| params.name_constraints = Some(constraints.clone()));
        verdict(&middle.signer(), &[&middle, &root])
    };
    assert_eq!(within(GeneralSubtree::DnsName("other.test".into())), Ok(()));
    let mail = within(GeneralSubtree::Rfc822Name("other.test".into()));
    assert!(matches!(mail, Err(Fault::Chain(ChainFault::Broken { .. }))), "{mail:?}");
}

#[test]
fn four_may_lie_between_and_no_more() {
    let mut chain = vec![root(PLAIN)];
    for depth in 1..=5 {
        let next = chain[0].below(&format!("depth {depth}"), PLAIN);
        chain.insert(0, next);
        let all: Vec<&Ca> = chain.iter().collect();
        let wanted = if depth <= 4 { Ok(()) } else { Err(UNKNOWN) };
        assert_eq!(verdict(&chain[0].signer(), &all), wanted, "{depth}");
    }
}

#[test]
fn namesakes_are_told_apart_by_their_signatures_and_renewed_ones_by_the_time() {
    let root = root(PLAIN);
    let mut many: Vec<Ca> = (0..9).map(|_| root.below("middle", PLAIN)).collect();
    for at in [0, 8] {
        let leaf = many[at].signer();
        let all: Vec<&Ca> = many.iter().chain([&root]).collect();
        assert_eq!(verdict(&leaf, &all), Ok(()), "{at}");
    }
    many.truncate(1);
    let leaf = many[0].signer();
    let expired: Change<'_> = &|params| params.not_after = (UNIX_EPOCH + Duration::from_secs(T - 1)).into();
    let old = || root.with_key("middle", expired, same_key(many[0].issuer.key()));
    let (first, second) = (old(), old());
    assert_eq!(verdict(&leaf, &[&first, &many[0], &second, &root]), Ok(()));
    let outside = verdict(&leaf, &[&first, &root]);
    assert!(matches!(outside, Err(Fault::Chain(ChainFault::IssuerOutside { .. }))), "{outside:?}");
}

#[test]
fn key_identifier_tells_namesakes_apart_but_refuses_no_issuer() {
    let root = root(PLAIN);
    let called = |id: u8| {
        move |params: &mut CertificateParams| params.key_identifier_method = KeyIdMethod::PreSpecified(vec![id; 20])
    };
    let (one, two) = (root.below("middle", &called(1)), root.below("middle", &called(2)));
    let mut identified = signer(T);
    identified.use_authority_key_identifier_extension = true;
    let leaf = two.leaf(identified.clone());
    assert_eq!(verdict(&leaf, &[&one, &two, &root]), Ok(()));
    // the same key under a certificate that calls it something else
    let renamed = root.with_key("middle", &called(3), same_key(two.issuer.key()));
    assert_eq!(verdict(&leaf, &[&renamed, &root]), Ok(()));
    assert!(matches!(verdict(&leaf, &[&one, &root]), Err(Fault::Chain(ChainFault::Broken { .. }))));
}

/// Certificates of two names that name each other as issuers, and perhaps one that names a root.
fn maze(key: &KeyPair, issued: impl Fn() -> KeyPair) -> Vec<Vec<u8>> {
    let one = |subject: &str, issuer: &str| {
        let issuer = Issuer::new(params(issuer), same_key(key));
        params(subject).signed_by(&issued(), &issuer).unwrap().der().to_vec()
    };
    let turns = (0..4).flat_map(|_| [one("A", "B"), one("B", "A")]);
    turns.chain([one("A", "root"), one("B", "root")]).collect()
}

fn lost(key: &KeyPair) -> Leaf {
    Ca { issuer: Issuer::new(params("A"), same_key(key)), pem: String::new() }.signer()
}

#[test]
fn maze_of_good_signatures_is_given_up_after_sixteen() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let annotations = carrying(&world, &lost(&key), &maze(&key, || same_key(&key)));
    let refused = judge_layer(&payload(), annotations, &trust(&world, &[&root(PLAIN)])).unwrap_err();
    assert_eq!(refused, Fault::Chain(ChainFault::Tangled { most: 16 }));
}

#[test]
fn maze_is_not_entered_where_intermediates_are_listed_or_its_signatures_are_false() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let root = root(PLAIN);
    let listed = root.below("listed", PLAIN);
    let (good, bad) = (maze(&key, || same_key(&key)), maze(&key, || KeyPair::generate().unwrap()));
    let judge = |maze: &[Vec<u8>], trust: &TrustRoot| {
        judge_layer(&payload(), carrying(&world, &lost(&key), maze), trust).unwrap_err()
    };
    assert_eq!(judge(&good, &trust(&world, &[&listed, &root])), UNKNOWN);
    assert_eq!(judge(&bad, &trust(&world, &[&root])), UNKNOWN);
}

#[test]
fn five_hundred_layers_of_a_maze_are_refused_in_time() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let annotations = carrying(&world, &lost(&key), &maze(&key, || same_key(&key)));
    let root = root(PLAIN);
    let twice = trust(&world, &[&root])
        .with_authority(CertificateAuthority::from_pem(&root.below("root", PLAIN).pem, Window::UNBOUNDED).unwrap());
    let layer = UntrustedSignature::layer(place(), payload(), annotations);
    let found = Found { signatures: vec![layer; 500], gaps: vec![] };
    assert_eq!(examine(&image(), found, &twice, time(NOW)).refused().len(), 500);
}

#[test]
fn maze_in_every_timestamp_is_refused() {
    let world = World::new();
    let bundle = unlogged(&world.leaf(), &statement());
    let key = KeyPair::generate().unwrap();
    let stamper = Ca { issuer: Issuer::new(params("A"), same_key(&key)), pem: String::new() }.leaf(Tsa::stamper());
    let mut carried = vec![stamper.der.clone()];
    carried.extend(maze(&key, || same_key(&key)).into_iter().skip(1));
    let carried: Vec<&[u8]> = carried.iter().map(Vec::as_slice).collect();
    let stamp = token(&stamper, &stamper, &world::signature(&bundle), T + 1, &carried);
    let bundle = stamped(bundle, &vec![stamp; 32]);
    let clock = TimestampAuthority::from_pem(&root(PLAIN).pem, Window::UNBOUNDED).unwrap();
    let trust = world::stamps_only(world.trust_without_time().with_timestamp_authority(clock));
    let Err(Fault::NoTimestamp { set_aside }) = judge(&bundle, &trust) else { panic!("no time is proven") };
    let said = "timestamp: certificate's chain takes more than 16 signatures to follow";
    assert!(set_aside.len() == 32 && set_aside.iter().all(|one| one.to_string() == said), "{set_aside:?}");
}
