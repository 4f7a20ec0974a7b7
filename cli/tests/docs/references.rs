//! What documents refer to: files by links, tests by `path::name`.

use std::path::Path;

use crate::document;

/// Whether there is a test of this name: `path/from/the/root.rs::name`.
pub(crate) fn has_test(reference: &str) -> bool {
    let Some((path, name)) = reference.split_once("::") else { return false };
    document::exists(path) && document::read(path).contains(&format!("fn {name}("))
}

#[test]
fn tests_that_documents_name_exist() {
    let mut named = 0;
    for document in document::all() {
        for span in document.spans().into_iter().filter(|span| span.contains(".rs::")) {
            assert!(has_test(span), "{}: there is no test {span}", document.name);
            named += 1;
        }
    }
    assert!(named > 30, "only {named} tests were found in the documents");
}

#[test]
fn files_that_documents_link_to_exist() {
    let mut linked = 0;
    for document in document::all() {
        let folder = Path::new(&document.name).parent().expect("a document is in a folder");
        for link in document.links() {
            let path = folder.join(link);
            assert!(document::exists(&path.display().to_string()), "{}: there is no {link}", document.name);
            linked += 1;
        }
    }
    assert!(linked > 20, "only {linked} links were found in the documents");
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = document::read("Cargo.toml");
    let listed = manifest.split_once("[workspace.dependencies]").expect("a table").1;
    let lines = listed.lines().take_while(|line| !line.starts_with('[')).filter(|line| !line.contains("path = "));
    let names: Vec<&str> = lines.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert!(names.len() > 30, "{names:?}");
    let document = document::named("docs/dependencies.md");
    let reasons = document.spans();
    let bare: Vec<_> = names.iter().filter(|name| !reasons.contains(name)).collect();
    assert!(bare.is_empty(), "docs/dependencies.md does not say why there is {bare:?}");
}

#[test]
fn every_banned_crate_is_listed() {
    let rules = document::read("deny.toml");
    let banned = rules.lines().filter_map(|line| line.split_once("crate = \"")?.1.split('"').next());
    let document = document::named("docs/dependencies.md");
    let listed = document.spans();
    let missing: Vec<_> = banned.filter(|name| !listed.contains(name)).collect();
    assert!(missing.is_empty(), "docs/dependencies.md does not name {missing:?}");
}
