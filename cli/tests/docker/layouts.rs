//! `--to oci:DIR`: the judged image on disk, as other programs read it.

use std::fs;

use peers::{Client, run};
use serde_json::Value;
use suites::shop::Shop;

#[test]
fn layout_is_read_by_skopeo() {
    peers::require!("crane", "skopeo");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let digest = shop.signed("1");
    let (image, folder) = (shop.image("1"), shop.folder().join("layout"));
    let to = format!("oci:{}", folder.display());
    let printed = shop.sealgate.run(["pull", "--policy", &shop.policy_folder(), "--to", &to, &image]).success();
    assert!(printed.lines().any(|line| line == format!("Digest: {digest}")), "{printed}");
    assert_eq!(printed.lines().last(), Some(image.as_str()));

    let seen: Value = serde_json::from_str(&run("skopeo", ["inspect", &to]).success()).unwrap();
    assert_eq!((seen["Digest"].as_str(), seen["Architecture"].as_str()), (Some(digest.as_str()), Some("amd64")));
    let copied = shop.folder().join("copied");
    let client = Client::new();
    let _ = client.run("skopeo", ["copy", "--insecure-policy", &to, &format!("dir:{}", copied.display())]).success();
    let manifest = fs::read(copied.join("manifest.json")).unwrap();
    let original = run("crane", ["manifest", &image]).success();
    assert_eq!(String::from_utf8(manifest).unwrap(), original);
}

#[test]
fn whole_index_or_one_platform_is_written() {
    peers::require!("crane", "skopeo");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let _ = shop.unsigned("amd64");
    let [amd64, arm64, index] = ["amd64", "arm64", "index"].map(|tag| shop.image(tag));
    let _ = run("crane", ["mutate", "--set-platform", "linux/arm64", &amd64, "--tag", &arm64]).success();
    let _ = run("crane", ["index", "append", "-m", &amd64, "-m", &arm64, "-t", &index]).success();
    let digest = run("crane", ["digest", &index]).success();
    shop.sign(&digest, &[]);
    let pull = |to: &str, more: &[&str]| {
        let policy = shop.policy_folder();
        let _ = shop.sealgate.run([&["pull", "--policy", &policy, "--to", to], more, &[&index]].concat()).success();
    };
    let whole = format!("oci:{}", shop.folder().join("whole").display());
    pull(&whole, &[]);
    let copied = shop.folder().join("copied");
    let to = format!("dir:{}", copied.display());
    let _ = run("skopeo", ["copy", "--insecure-policy", "--all", &whole, &to]).success();
    // skopeo 1.9 writes an index anew, so only what it names can be compared; on our disk it is the very bytes.
    let copied: Value = serde_json::from_slice(&fs::read(copied.join("manifest.json")).unwrap()).unwrap();
    let manifests = copied["manifests"].as_array().unwrap().iter().map(|m| m["digest"].as_str().unwrap());
    let children = [&amd64, &arm64].map(|image| run("crane", ["digest", image]).success());
    assert_eq!(manifests.collect::<Vec<_>>(), children);
    let stored = shop.folder().join("whole/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    assert_eq!(fs::read_to_string(stored).unwrap(), run("crane", ["manifest", &index]).success());

    let one = format!("oci:{}", shop.folder().join("one").display());
    pull(&one, &["--platform", "linux/arm64"]);
    let seen: Value = serde_json::from_str(&run("skopeo", ["inspect", &one]).success()).unwrap();
    assert_eq!(seen["Architecture"], "arm64");
    assert_eq!(seen["Digest"].as_str().unwrap(), run("crane", ["digest", &arm64]).success());
}

#[test]
fn second_image_is_added_to_a_layout_and_the_same_name_replaced() {
    peers::require!("crane", "skopeo");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let digests = ["1", "2"].map(|tag| shop.signed(tag));
    let to = format!("oci:{}", shop.folder().join("layout").display());
    for tag in ["1", "2", "1"] {
        let arguments = ["pull", "--policy", &shop.policy_folder(), "--to", &to, &shop.image(tag)];
        let _ = shop.sealgate.run(arguments).success();
    }
    for (tag, digest) in ["1", "2"].into_iter().zip(digests) {
        let seen = run("skopeo", ["inspect", &format!("{to}:{}", shop.image(tag))]).success();
        assert!(seen.contains(&digest), "{seen}");
    }
}

#[test]
fn blob_that_lay_there_before_is_not_relied_on() {
    peers::require!("crane", "skopeo");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let digest = shop.signed("1");
    let folder = shop.folder().join("layout");
    let to = format!("oci:{}", folder.display());
    let pull = || shop.sealgate.run(["pull", "--policy", &shop.policy_folder(), "--to", &to, &shop.image("1")]);
    let _ = pull().success();
    let blobs = || std::fs::read_dir(folder.join("blobs/sha256")).expect("blobs").map(|e| e.expect("a blob").path());
    let before: Vec<_> = blobs().map(|path| std::fs::read(path).expect("a blob")).collect();
    blobs().for_each(|path| std::fs::write(path, "planted").expect("written"));
    let _ = pull().success();
    let after: Vec<_> = blobs().map(|path| std::fs::read(path).expect("a blob")).collect();
    assert_eq!(before, after);
    assert!(run("skopeo", ["inspect", &to]).success().contains(&digest));
}

#[test]
fn refused_image_is_not_written() {
    peers::require!("crane");
    let shop = Shop::open(env!("CARGO_BIN_EXE_sealgate"));
    let digest = shop.unsigned("bad");
    let folder = shop.folder().join("layout");
    let to = format!("oci:{}", folder.display());
    for image in [shop.image("bad"), shop.by_digest(&digest)] {
        let said = shop.sealgate.run(["pull", "--policy", &shop.policy_folder(), "--to", &to, &image]).failure(1);
        assert!(said.contains("no signatures found"), "{said}");
        assert!(!folder.exists());
    }
}
