//! What cannot be read is never taken for what names no image.

use crate::stage::{Stage, objects, pod};

#[test]
fn file_that_names_no_image_is_an_error_unless_that_is_allowed() {
    let stage = Stage::with_images();
    stage.write("config.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    stage.write("none/README.md", "no manifest\n");
    for manifest in ["config.yaml", "none"] {
        let said = stage.check(&format!("--manifest {manifest}")).failure(3);
        assert!(said.contains("no image found") && said.contains("hint: --allow-no-images"), "{said}");
        let allowed = stage.check(&format!("--manifest {manifest} --allow-no-images"));
        assert_eq!((allowed.code, allowed.stdout.as_str(), allowed.stderr.as_str()), (0, "", "no image found\n"));
    }
    assert_eq!(stage.check_input("--manifest -", "").code, 3);
    assert_eq!(stage.check("IMAGES/good:1 --manifest config.yaml").code, 0);
}

#[test]
fn each_thing_that_cannot_be_read_is_placed_and_leaves_everything_undecided() {
    let stage = Stage::with_images();
    let good = pod(&["IMAGES/good:1"]);
    let rollout =
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: a}]}}}\n";
    let cases = [
        ("broken.yaml", format!("{good}---\na: [\n"), "broken.yaml:"),
        ("template.yaml", format!("{good}---\napiVersion: v1\na: {{{{ .x }}}}\n"), "hint: a template must be rendered"),
        ("rollout.yaml", format!("{good}---\n{rollout}"), "hint: --ignore-kind KIND"),
        (
            "list.yaml",
            format!("{good}---\napiVersion: v1\nkind: List\nitems: 1\n"),
            "items: a number found, wanted a list",
        ),
        ("case.yaml", good.replace("containers:", "initContainers: []\n  Containers:"), "key `Containers` found"),
        ("twice.yaml", good.replace("image:", "image: x\n    image:"), "duplicate"),
        ("reference.yaml", format!("{good}  - image: \"Not An Image\"\n"), "`Not An Image`: invalid reference format"),
        (
            "compose.yaml",
            "services: {a: {image: \"IMAGES/good:$TAG\"}, b: {image: \"IMAGES/good:1\"}}\n".to_owned(),
            "variable `TAG` has no value here",
        ),
        (
            "compose.yml",
            "include: [x]\nservices: {b: {image: \"IMAGES/good:1\"}}\n".to_owned(),
            "hint: docker compose config",
        ),
        ("Dockerfile", "ARG BASE\nFROM $BASE\nFROM IMAGES/good:1\n".to_owned(), "variable `BASE` has no value here"),
        ("Containerfile", "FROM IMAGES/good:1\nNONSENSE\n".to_owned(), "`nonsense` is no instruction of a Dockerfile"),
    ];
    for (name, text, why) in cases {
        stage.write(name, &text);
        let outcome = stage.check(&format!("--manifest {name}"));
        assert_eq!(outcome.code, 3, "{name}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.stdout.contains(&format!("unread     {name}:")), "{name}: {}", outcome.stdout);
        assert!(outcome.stdout.contains(why), "{name}: {}", outcome.stdout);
        let judged = outcome.stdout.contains("allowed    ");
        assert_eq!(judged, !["case.yaml", "twice.yaml"].contains(&name), "{name}: {}", outcome.stdout);
        assert!(
            !judged || outcome.stderr.ends_with("error: 1 of 1 images allowed, 1 place could not be read\n"),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(stage.check("--manifest rollout.yaml --ignore-kind Rollout").code, 0);
    assert_eq!(stage.check("--manifest rollout.yaml --ignore-kind rollout").code, 3);
    assert_eq!(stage.check("--manifest Dockerfile --build-arg BASE=IMAGES/good:1").code, 0);
}

#[test]
fn file_that_is_not_there_or_no_manifest_ends_it_before_anything_is_asked() {
    let stage = Stage::with_images();
    stage.write("values.yaml", "image: IMAGES/good:1\n");
    stage.write("all/good.yaml", &pod(&["IMAGES/good:1"]));
    stage.write("all/package.json", "{\"name\": \"x\"}");
    let before = stage.registry.requests().len();
    for (manifest, why) in [
        ("absent.yaml", "open absent.yaml: no such file or directory"),
        ("values.yaml", "values.yaml: neither a Kubernetes manifest, a compose file nor a Dockerfile"),
        ("all", "all/package.json: neither a Kubernetes manifest, a compose file nor a Dockerfile"),
        ("/dev/zero", "open /dev/zero: it is larger than 16384 KiB"),
    ] {
        let said = stage.check(&format!("--manifest {manifest}")).failure(3);
        assert!(said.starts_with(&format!("error: {why}")), "{said}");
    }
    let home = stage.sealgate.client().home();
    std::os::unix::fs::symlink(home.join("all"), home.join("all/link")).expect("a link can be made");
    let said = stage.check("--manifest all").failure(3);
    assert!(said.contains("link") || said.contains("package.json"), "{said}");
    std::fs::remove_file(home.join("all/package.json")).expect("it is there");
    let said = stage.check("--manifest all").failure(3);
    assert!(said.contains("all: link is a link to a folder, which is not followed"), "{said}");
    std::fs::write(home.join("latin.yaml"), b"a: \xe9\n").expect("a temporary folder can be written");
    assert!(stage.check("--manifest latin.yaml").failure(3).contains("it is not UTF-8"));
    assert_eq!(stage.registry.requests().len(), before);
}

#[test]
fn command_line_that_cannot_work_is_refused() {
    let stage = Stage::with_images();
    for line in [
        "",
        "IMAGES/good:1 --manifest-kind compose",
        "IMAGES/good:1 --allow-no-images",
        "IMAGES/good:1 -v",
        "--manifest x --build-arg X",
        "--manifest x --manifest-kind helm",
        "--manifest - --manifest -",
    ] {
        assert_eq!(stage.check(line).code, 2, "{line}");
    }
}

#[test]
fn t29_names_of_strangers_bring_no_control_characters_to_a_terminal() {
    let stage = Stage::with_images();
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"\\e[31mred\\a<script>\"}\nspec: {containers: [{image: \"IMAGES/good:1\"}, {image: \"\\e[0m\"}]}\n---\napiVersion: \"x\\e/v1\"\nkind: \"K\\e\"\nspec: {containers: [{image: a}]}\n";
    stage.write("\u{7}.yaml", text);
    for output in ["text", "json", "sarif", "junit"] {
        let outcome = stage.check(&format!("--manifest \u{7}.yaml -o {output}"));
        assert_eq!(outcome.code, 3, "{}", outcome.stderr);
        let raw = |c: char| c.is_control() && c != '\n';
        assert!(!outcome.stdout.contains(raw) && !outcome.stderr.contains(raw), "{output}: {:?}", outcome.stdout);
        assert!(output != "junit" || !outcome.stdout.contains("<script"), "{}", outcome.stdout);
    }
    let answers = objects(&stage.check("--manifest \u{7}.yaml -o json").stdout);
    assert_eq!(answers.len(), 3, "{answers:#?}");
}
