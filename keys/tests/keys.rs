//! Keys of every kind: imported from every form, signing, checking, and refused where they must be.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
    rsa,
    signature::{self as sig, EcdsaKeyPair, Ed25519KeyPair},
};
use keys::{DecryptError, KeyError, KeyKind, PrivateKey, PublicKey, SignatureHash};
use sha2::{Digest as _, Sha512};

fn pem_of(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der.to_vec()))
}

fn ec_pems(algorithm: &'static sig::EcdsaSigningAlgorithm) -> [String; 2] {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    [pem_of("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()), pem_of("EC PRIVATE KEY", sec1.as_ref())]
}

fn ed25519_pem() -> String {
    pem_of("PRIVATE KEY", Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref())
}

fn seed_of(pair: &Ed25519KeyPair) -> [u8; 32] {
    let seed: Curve25519SeedBin<'_> = pair.seed().unwrap().as_be_bytes().unwrap();
    seed.as_ref().try_into().unwrap()
}

fn rsa_pem() -> String {
    let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    pem_of("PRIVATE KEY", der.as_ref())
}

#[test]
fn every_kind_signs_what_its_public_half_checks() {
    let kinds = [
        (ec_pems(&sig::ECDSA_P256_SHA256_ASN1_SIGNING)[0].clone(), KeyKind::P256),
        (ec_pems(&sig::ECDSA_P256_SHA256_ASN1_SIGNING)[1].clone(), KeyKind::P256),
        (ec_pems(&sig::ECDSA_P384_SHA384_ASN1_SIGNING)[0].clone(), KeyKind::P384),
        (ec_pems(&sig::ECDSA_P384_SHA384_ASN1_SIGNING)[1].clone(), KeyKind::P384),
        (ec_pems(&sig::ECDSA_P521_SHA512_ASN1_SIGNING)[0].clone(), KeyKind::P521),
        (ec_pems(&sig::ECDSA_P521_SHA512_ASN1_SIGNING)[1].clone(), KeyKind::P521),
        (ed25519_pem(), KeyKind::Ed25519),
        (rsa_pem(), KeyKind::Rsa(2048)),
    ];
    for (text, kind) in kinds {
        let key = PrivateKey::import(text.as_bytes()).unwrap();
        assert_eq!(key.public().kind(), kind);
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public().verify(b"message", &signature), Ok(()), "{kind}");
        assert!(key.public().verify(b"messagE", &signature).is_err(), "{kind}: other message");
        let last = signature.len() - 1;
        let mut flipped = signature.clone();
        flipped[last] ^= 1;
        assert!(key.public().verify(b"message", &flipped).is_err(), "{kind}: flipped bit");
        let other = PrivateKey::generate().unwrap();
        assert!(other.public().verify(b"message", &signature).is_err(), "{kind}: other key");
    }
}

#[test]
fn curve_with_the_hash_of_another_is_checked_too() {
    let pair = EcdsaKeyPair::generate(&sig::ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let public = PrivateKey::from_pkcs8(der.as_ref()).unwrap().public().clone();
    let with_sha256 = EcdsaKeyPair::from_pkcs8(&sig::ECDSA_P521_SHA256_ASN1_SIGNING, der.as_ref()).unwrap();
    let signature = with_sha256.sign(&aws_lc_rs::rand::SystemRandom::new(), b"m").unwrap();
    assert_eq!(public.verify(b"m", signature.as_ref()), Ok(()));
    assert!(public.verify(b"n", signature.as_ref()).is_err());
}

#[test]
fn hash_of_a_signature_is_told_where_there_is_a_choice() {
    let hashes = |key: &PrivateKey| key.public().verify_hash(b"m", &key.sign(b"m").unwrap()).unwrap();
    let curves = [
        (&sig::ECDSA_P256_SHA256_ASN1_SIGNING, SignatureHash::Sha256),
        (&sig::ECDSA_P384_SHA384_ASN1_SIGNING, SignatureHash::Sha384),
        (&sig::ECDSA_P521_SHA256_ASN1_SIGNING, SignatureHash::Sha256),
        (&sig::ECDSA_P521_SHA384_ASN1_SIGNING, SignatureHash::Sha384),
        (&sig::ECDSA_P521_SHA512_ASN1_SIGNING, SignatureHash::Sha512),
    ];
    for (algorithm, hash) in curves {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let public = PrivateKey::from_pkcs8(pair.to_pkcs8v1().unwrap().as_ref()).unwrap().public().clone();
        let signature = pair.sign(&aws_lc_rs::rand::SystemRandom::new(), b"m").unwrap();
        assert_eq!(public.verify_hash(b"m", signature.as_ref()), Ok(Some(hash)));
        assert!(public.verify_hash(b"n", signature.as_ref()).is_err(), "{hash}");
    }
    assert_eq!(hashes(&PrivateKey::import(rsa_pem().as_bytes()).unwrap()), Some(SignatureHash::Sha256));
    assert_eq!(hashes(&PrivateKey::import(ed25519_pem().as_bytes()).unwrap()), None);
}

#[test]
fn prehashed_ed25519_is_checked_and_signing_is_pure() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let key = PrivateKey::from_pkcs8(der.as_ref()).unwrap();
    let dalek = ed25519_dalek::SigningKey::from_bytes(&seed_of(&pair));
    let prehashed = dalek.sign_prehashed(Sha512::new_with_prefix(b"m"), None).unwrap();
    assert_eq!(key.public().verify(b"m", &prehashed.to_bytes()), Ok(()));
    assert!(key.public().verify(b"n", &prehashed.to_bytes()).is_err());
    let ours = ed25519_dalek::Signature::from_slice(&key.sign(b"m").unwrap()).unwrap();
    dalek.verifying_key().verify_strict(b"m", &ours).expect("pure Ed25519");
}

#[test]
fn key_file_round_trips_and_a_wrong_password_opens_nothing() {
    let key = PrivateKey::generate().unwrap();
    let file = key.encrypt(b"secret").unwrap();
    assert!(file.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    assert_eq!(PrivateKey::decrypt(file.as_bytes(), b"secret").unwrap().public(), key.public());
    assert_eq!(PrivateKey::decrypt(file.as_bytes(), b"secret\n").unwrap_err(), DecryptError::Password);
    assert_eq!(PrivateKey::decrypt(file.as_bytes(), b"").unwrap_err(), DecryptError::Password);
}

#[test]
fn empty_password_is_a_password() {
    let key = PrivateKey::generate().unwrap();
    let file = key.encrypt(b"").unwrap();
    assert!(PrivateKey::decrypt(file.as_bytes(), b"").is_ok());
}

#[test]
fn old_label_is_read() {
    let file = PrivateKey::generate().unwrap().encrypt(b"x").unwrap().replace("SIGSTORE", "COSIGN");
    assert!(PrivateKey::decrypt(file.as_bytes(), b"x").is_ok());
}

#[test]
fn costly_scrypt_parameters_are_refused_before_they_cost() {
    let file = PrivateKey::generate().unwrap().encrypt(b"x").unwrap();
    let json = String::from_utf8(pem::parse(&file).unwrap().into_contents()).unwrap();
    for (from, to) in [("\"N\":65536", "\"N\":1073741824"), ("\"r\":8", "\"r\":64"), ("\"p\":1", "\"p\":16")] {
        let changed = pem_of("ENCRYPTED SIGSTORE PRIVATE KEY", json.replace(from, to).as_bytes());
        let error = PrivateKey::decrypt(changed.as_bytes(), b"x").unwrap_err();
        assert!(matches!(error, DecryptError::Parameters { .. }), "{to}: {error}");
    }
}

#[test]
fn other_ciphers_and_damage_are_refused() {
    let file = PrivateKey::generate().unwrap().encrypt(b"x").unwrap();
    let json = String::from_utf8(pem::parse(&file).unwrap().into_contents()).unwrap();
    let change = |from: &str, to: &str| {
        let text = pem_of("ENCRYPTED SIGSTORE PRIVATE KEY", json.replace(from, to).as_bytes());
        PrivateKey::decrypt(text.as_bytes(), b"x").unwrap_err()
    };
    assert!(matches!(change("scrypt", "pbkdf2"), DecryptError::Algorithm { .. }));
    assert!(matches!(change("nacl/secretbox", "aes"), DecryptError::Algorithm { .. }));
    assert_eq!(change("\"kdf\"", "\"KDF\""), DecryptError::Malformed);
}

#[test]
fn unencrypted_key_is_not_taken_for_an_encrypted_one() {
    let error = PrivateKey::decrypt(ed25519_pem().as_bytes(), b"").unwrap_err();
    assert!(matches!(error, DecryptError::Key(KeyError::Label { .. })), "{error}");
}

#[test]
fn public_pem_round_trips_and_names_the_key() {
    let key = PrivateKey::generate().unwrap();
    let again = PublicKey::from_pem(key.public().to_pem().as_bytes()).unwrap();
    assert_eq!(again, *key.public());
    assert_eq!(again.id().to_string().len(), 64);
}

#[test]
fn two_keys_in_one_text_are_refused() {
    let (a, b) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let both = a.public().to_pem() + &b.public().to_pem();
    assert_eq!(PublicKey::from_pem(both.as_bytes()).unwrap_err(), KeyError::Several { found: 2 });
}

#[test]
fn what_is_no_public_key_is_refused_with_what_it_is() {
    assert_eq!(PublicKey::from_pem(b"hello").unwrap_err(), KeyError::NotPem);
    let private = PublicKey::from_pem(ed25519_pem().as_bytes()).unwrap_err();
    assert_eq!(private, KeyError::Label { found: "PRIVATE KEY".into(), wanted: "PUBLIC KEY" });
    assert_eq!(PublicKey::from_pem(pem_of("PUBLIC KEY", b"junk").as_bytes()).unwrap_err(), KeyError::Unsupported);
}

#[test]
fn label_of_a_strangers_file_is_told_in_brief() {
    let text = pem_of(&"\u{1b}[2JX".repeat(1000), b"junk");
    let text = text.as_bytes();
    for said in [
        PublicKey::from_pem(text).unwrap_err().to_string(),
        PrivateKey::import(text).unwrap_err().to_string(),
        PrivateKey::decrypt(text, b"").unwrap_err().to_string(),
    ] {
        assert!(said.contains("\\u{1b}[2JX") && said.len() < 200 && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn debug_of_a_private_key_shows_only_the_public_half() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), format!("private half of P-256 key {}", key.public().id()));
}
