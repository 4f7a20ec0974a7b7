//! `policy fmt`: files are rewritten as a whole, say the same afterwards, and are left alone where that is in doubt.

use std::{fs, path::Path};

use super::{stage::Stage, write};

const MESSY: &str = "kind: ClusterImagePolicy\napiVersion: policy.sigstore.dev/v1beta1\nmetadata: {name: a}\nspec:\n    \
                     # who\n    authorities:\n    - static: {action: fail}\n    images:\n    - glob: '**'";
const NEAT: &str = "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: a}\nspec:\n  \
                    images:\n  - glob: '**'\n  # who\n  authorities:\n  - static: {action: fail}";

#[test]
fn check_changes_nothing_and_fmt_changes_what_check_named() {
    let stage = Stage::set_up();
    let _ = stage.shell("mkdir p").success();
    write(&stage, "p/a.yaml", MESSY);
    write(&stage, "p/b.yaml", NEAT);
    let checked = stage.shell("sealgate policy fmt --check p");
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.starts_with("p/a.yaml\nerror: 1 of 2 files are not in their usual form\n"),
        "{}",
        checked.stdout
    );
    assert_eq!(stage.shell("cat p/a.yaml").success(), MESSY);
    let _ = stage.shell("chmod 640 p/a.yaml").success();
    assert_eq!(stage.shell("sealgate policy fmt p").success(), "p/a.yaml");
    assert_eq!(stage.shell("cat p/a.yaml").success(), NEAT);
    assert_eq!(stage.shell("stat -c %a p/a.yaml; ls p").success(), "640\na.yaml\nb.yaml");
    assert_eq!(stage.shell("sealgate policy fmt --check p").success(), "");
}

#[test]
fn standard_input_is_formatted_to_standard_output() {
    let stage = Stage::set_up();
    write(&stage, "a.yaml", MESSY);
    assert_eq!(stage.shell("sealgate policy fmt - < a.yaml").success(), NEAT);
}

#[test]
fn what_is_in_doubt_is_left_and_ends_with_2_and_the_rest_is_done() {
    let stage = Stage::set_up();
    let _ = stage.shell("mkdir p").success();
    write(&stage, "p/a.yaml", MESSY);
    write(&stage, "p/b.yaml", "a: [");
    write(&stage, "p/c.yaml", "? a\n: b");
    let outcome = stage.shell("sealgate policy fmt p");
    assert_eq!(outcome.code, 2, "{}", outcome.stdout);
    for said in ["p/a.yaml\n", "error: 2 of 3 files are left as they are\n", "  - p/b.yaml: ", "  - p/c.yaml: "] {
        assert!(outcome.stdout.contains(said), "{said}: {}", outcome.stdout);
    }
    assert_eq!(stage.shell("cat p/a.yaml p/c.yaml").success(), format!("{NEAT}\n? a\n: b"));
}

#[test]
fn link_to_a_file_stays_a_link() {
    let stage = Stage::set_up();
    write(&stage, "a.yaml", MESSY);
    let _ = stage.shell("ln -s a.yaml b.yaml && sealgate policy fmt b.yaml").success();
    assert_eq!(stage.shell("readlink b.yaml; cat a.yaml").success(), format!("a.yaml\n{NEAT}"));
}

#[test]
fn policies_of_others_keep_their_meaning_and_are_formatted_once_and_for_all() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let corpus = std::env::var_os("SEALGATE_CORPUS").map_or(beside, Into::into);
    let stage = Stage::set_up();
    let mut formatted = 0;
    for folder in
        ["cluster-image-policy/valid", "cluster-image-policy/examples", "cluster-image-policy/e2e", "trust-root/valid"]
    {
        let from = corpus.join(folder);
        if !from.is_dir() {
            assert!(std::env::var_os("SEALGATE_REQUIRE_PEERS").is_none(), "no corpus at {}", corpus.display());
            continue;
        }
        formatted += fs::read_dir(&from).expect("can be listed").count();
        let said = stage.shell(&format!(
            "rm -rf p && cp -rL {} p && sealgate policy lint p/*.yaml -o json > /dev/null 2>&1; sealgate policy fmt p && sealgate policy fmt --check p",
            from.display()
        ));
        let _ = said.success();
    }
    assert!(formatted == 0 || formatted > 40, "{formatted}");
}
