//! `sealgate policy`: what authors of policies see, and what their pipelines get back.

mod cases;
mod formatting;
mod linting;
mod own_kind;
mod schema;
#[expect(dead_code, reason = "others ask more of it")]
#[path = "../docs/stage.rs"]
mod stage;
mod tester;

use stage::{POLICY, Stage};

/// A stage with the team's key, with `shop/cart:1.4` signed by it and attested, and its policy in `policies/`.
fn shop() -> Stage {
    let stage = Stage::set_up();
    for command in [
        "sealgate generate-key-pair --output-key-prefix team",
        "sealgate generate-key-pair --output-key-prefix other",
        "sealgate sign --key team.key 127.0.0.1:5000/shop/cart:1.4",
        "echo '{}' > predicate.json",
        "sealgate attest --key team.key --predicate predicate.json 127.0.0.1:5000/shop/cart:1.4",
        "mkdir policies",
    ] {
        let _ = stage.shell(command).success();
    }
    write(&stage, "policies/shop.yaml", POLICY);
    stage
}

/// Writes a file, in which the shell's words are replaced.
fn write(stage: &Stage, name: &str, text: &str) {
    let _ = stage.shell(&format!("cat > {name} <<EOF\n{text}\nEOF")).success();
}
