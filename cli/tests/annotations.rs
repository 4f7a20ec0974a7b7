//! Annotations that are asked for are asked for, however it is said.

use peers::{Client, Registry, push_image};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate");

struct Shop {
    registry: Registry,
    keys: TempDir,
}

impl Shop {
    fn open() -> Self {
        let shop = Self { registry: Registry::sealgate(PROGRAM, &[]), keys: TempDir::new().expect("a folder") };
        let prefix = shop.key("");
        let _ = shop.client(None).run(PROGRAM, ["generate-key-pair", "--output-key-prefix", &prefix]).success();
        shop
    }

    fn key(&self, extension: &str) -> String {
        self.keys.path().join(format!("k{extension}")).display().to_string()
    }

    fn client(&self, annotations: Option<&str>) -> Client {
        let mut client = Client::new();
        client.set("COSIGN_PASSWORD", "");
        if let Some(annotations) = annotations {
            client.set("COSIGN_ANNOTATIONS", annotations);
        }
        client
    }

    fn image(&self, tag: &str) -> String {
        let digest = push_image(&self.registry, &format!("shop/cart:{tag}"), tag);
        format!("{}/shop/cart@{digest}", self.registry.address())
    }

    fn sign(&self, image: &str, variable: Option<&str>, flags: &[&str]) {
        let _ = self
            .client(variable)
            .run(PROGRAM, [&["sign", "--key", &self.key(".key"), image], flags].concat())
            .success();
    }

    fn verify(&self, image: &str, variable: Option<&str>, flags: &[&str]) -> i32 {
        let fixed = ["verify", "--private-infrastructure", "--key", &self.key(".pub"), image];
        self.client(variable).run(PROGRAM, [&fixed, flags].concat()).code
    }
}

#[test]
fn variable_is_as_good_as_the_flag() {
    peers::require!("crane");
    let shop = Shop::open();
    let image = shop.image("1");
    shop.sign(&image, Some("env=dev,build=7"), &[]);
    assert_eq!(shop.verify(&image, Some("env=prod"), &[]), 12);
    assert_eq!(shop.verify(&image, Some("env=dev,build=8"), &[]), 12);
    assert_eq!(shop.verify(&image, Some("env=dev"), &["-a", "env=prod"]), 12, "the flag counts");
    assert_eq!(shop.verify(&image, Some("env=dev,build=7"), &[]), 0);
}

#[test]
fn two_values_for_one_name_are_had_by_no_signature() {
    peers::require!("crane");
    let shop = Shop::open();
    let image = shop.image("1");
    shop.sign(&image, None, &["-a", "env=dev"]);
    assert_eq!(shop.verify(&image, None, &["-a", "env=prod", "-a", "env=dev"]), 12);
    assert_eq!(shop.verify(&image, None, &["-a", "env=dev", "-a", "env=prod"]), 12);
    assert_eq!(shop.verify(&image, None, &["-a", "env=dev", "-a", "env=dev"]), 0);
}
