//! Key files: what cosign 2, cosign 3 and sealgate write, each of them reads, with the right password alone.

use std::fs;

use peers::KeyPair;
use suites::signers::{KeyType, Tool, Tools};

#[test]
fn generated_key_files_are_read_by_all() {
    peers::require!("cosign-2", "cosign-3");
    let mut tools = Tools::new(PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    for maker in Tool::ALL {
        for (number, password) in ["", "secret", " with blanks and ümläuts "].into_iter().enumerate() {
            let key = tools.generate(maker, &folder.path().join(format!("{}-{number}", maker.name())), password);
            assert_read_by_all(&mut tools, &key, &format!("made by {} with `{password}`", maker.name()));
        }
    }
}

#[test]
fn imported_key_files_are_read_by_all() {
    peers::require!("cosign-2", "cosign-3", "openssl");
    let mut tools = Tools::new(PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    for key_type in KeyType::ALL {
        let pem = folder.path().join(format!("{}.pem", key_type.name()));
        key_type.write_pem(&pem);
        let keys = Tool::ALL.map(|maker| {
            let prefix = folder.path().join(format!("{}-{}", key_type.name(), maker.name()));
            tools.import(maker, &pem, &prefix, "secret")
        });
        let publics = keys.each_ref().map(|key| fs::read_to_string(&key.public).unwrap());
        assert!(publics.iter().all(|public| *public == publics[0]), "{}: {publics:#?}", key_type.name());
        for (maker, key) in Tool::ALL.into_iter().zip(&keys) {
            assert_read_by_all(&mut tools, key, &format!("{} imported by {}", key_type.name(), maker.name()));
        }
    }
}

#[test]
fn wrong_password_opens_nobodys_key_file() {
    peers::require!("cosign-2", "cosign-3");
    let mut tools = Tools::new(PROGRAM);
    let folder = tempfile::tempdir().unwrap();
    for maker in Tool::ALL {
        let mut key = tools.generate(maker, &folder.path().join(maker.name()), "secret");
        for (reader, wrong) in Tool::ALL.into_iter().zip(["", "secret\n", "Secret"]) {
            key.password = wrong.to_owned();
            let error = tools.public_key(reader, &key).failure(1);
            assert!(error.contains("decrypt"), "{} reads what {} made: {error}", reader.name(), maker.name());
        }
    }
}

#[track_caller]
fn assert_read_by_all(tools: &mut Tools, key: &KeyPair, what: &str) {
    let wanted = fs::read_to_string(&key.public).expect("its maker has written it");
    assert!(wanted.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{what}: {wanted}");
    for reader in Tool::ALL {
        let read = tools.public_key(reader, key);
        assert_eq!(read.code, 0, "{what}, read by {}: {read:?}", reader.name());
        assert_eq!(read.stdout.trim_end(), wanted.trim_end(), "{what}, read by {}", reader.name());
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");
