//! OCI image layouts: what is written is whole, what is read is checked.

#![expect(clippy::unwrap_used, reason = "what a test did not expect ends it")]

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use oci::{AnyDigest, Descriptor, Digest, media_type};
use registry::layout::{Layout, LayoutError, REF_NAME};
use serde_json::{Value, json};

fn new_layout() -> (Layout, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (Layout::create(directory.path().join("image")).unwrap(), directory)
}

fn manifest(text: &str) -> Vec<u8> {
    let layer = Descriptor::of(media_type::OCI_LAYER_GZIP, text.as_bytes());
    let config = Descriptor::of(media_type::OCI_CONFIG, b"{}");
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer] });
    manifest.to_string().into_bytes()
}

fn named(bytes: &[u8], name: &str) -> Descriptor {
    let mut descriptor = Descriptor::of(media_type::OCI_MANIFEST, bytes);
    descriptor.annotations.insert(REF_NAME.into(), name.into());
    descriptor
}

fn add_image(layout: &Layout, name: &str, text: &str) -> Vec<u8> {
    layout.add_blob(b"{}").unwrap();
    layout.add_blob(text.as_bytes()).unwrap();
    let bytes = manifest(text);
    layout.add_manifest(&named(&bytes, name), &bytes).unwrap();
    bytes
}

fn names(layout: &Layout) -> Vec<String> {
    layout.index().unwrap().manifests.iter().map(|entry| entry.annotations[REF_NAME].clone()).collect()
}

fn path_of(directory: &Path, bytes: &[u8]) -> std::path::PathBuf {
    directory.join("image/blobs/sha256").join(Digest::of(bytes).hex())
}

#[test]
fn what_is_written_is_read_back() {
    let (layout, directory) = new_layout();
    let bytes = add_image(&layout, "v1", "layer");
    let opened = Layout::open(directory.path().join("image")).unwrap();
    let entry = &opened.index().unwrap().manifests[0];
    assert_eq!(*entry, named(&bytes, "v1"));
    assert_eq!(opened.blob(&entry.digest, 1000).unwrap(), bytes);
    assert_eq!(opened.blob(&Digest::of(b"layer").into(), 5).unwrap(), b"layer");
    let marker = fs::read_to_string(directory.path().join("image/oci-layout")).unwrap();
    assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
}

#[test]
fn layout_without_an_image_is_none_yet() {
    let (layout, directory) = new_layout();
    layout.add_blob(b"layer").unwrap();
    let opened = Layout::open(directory.path().join("image"));
    assert!(matches!(opened, Err(LayoutError::NotALayout { .. })));
    assert!(matches!(layout.index(), Err(LayoutError::NotALayout { .. })));
}

#[test]
fn image_that_lacks_a_part_is_not_named() {
    for present in [b"{}".as_slice(), b"layer"] {
        let (layout, directory) = new_layout();
        layout.add_blob(present).unwrap();
        let bytes = manifest("layer");
        let result = layout.add_manifest(&named(&bytes, "v1"), &bytes);
        assert!(matches!(result, Err(LayoutError::Absent { .. })));
        assert!(!directory.path().join("image/index.json").exists());
    }
}

#[test]
fn index_is_named_only_with_everything_below_it() {
    let (layout, _directory) = new_layout();
    let child = manifest("layer");
    let index = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
        "manifests": [Descriptor::of(media_type::OCI_MANIFEST, &child)],
    });
    let index = index.to_string().into_bytes();
    let add = || layout.add_manifest(&Descriptor::of(media_type::OCI_INDEX, &index), &index);
    assert!(matches!(add(), Err(LayoutError::Absent { digest }) if digest == Digest::of(&child).into()));
    layout.add_blob(&child).unwrap();
    layout.add_blob(b"{}").unwrap();
    assert!(matches!(add(), Err(LayoutError::Absent { digest }) if digest == Digest::of(b"layer").into()));
    layout.add_blob(b"layer").unwrap();
    add().unwrap();
}

#[test]
fn indexes_nested_too_deep_are_refused() {
    let (layout, _directory) = new_layout();
    let mut bytes = br#"{"schemaVersion":2,"manifests":[]}"#.to_vec();
    let mut add = |layout: &Layout| {
        let child = Descriptor::of(media_type::OCI_INDEX, &bytes);
        layout.add_blob(&bytes).unwrap();
        bytes = json!({ "schemaVersion": 2, "manifests": [child] }).to_string().into_bytes();
        layout.add_manifest(&Descriptor::of(media_type::OCI_INDEX, &bytes), &bytes)
    };
    for _ in 0..3 {
        add(&layout).unwrap();
    }
    assert!(matches!(add(&layout), Err(LayoutError::TooDeep)));
}

#[test]
fn child_named_many_times_is_looked_at_once() {
    let (layout, _directory) = new_layout();
    let mut bytes = br#"{"schemaVersion":2,"manifests":[]}"#.to_vec();
    for _ in 0..3 {
        layout.add_blob(&bytes).unwrap();
        let children = vec![Descriptor::of(media_type::OCI_INDEX, &bytes); 1000];
        bytes = json!({ "schemaVersion": 2, "manifests": children }).to_string().into_bytes();
    }
    layout.add_manifest(&Descriptor::of(media_type::OCI_INDEX, &bytes), &bytes).unwrap(); // else a billion looks
}

#[test]
fn child_named_as_something_else_too_is_looked_into() {
    let (layout, _directory) = new_layout();
    let child = manifest("layer");
    layout.add_blob(&child).unwrap();
    let children = [Descriptor::of("text/plain", &child), Descriptor::of(media_type::OCI_MANIFEST, &child)];
    let index = json!({ "schemaVersion": 2, "manifests": children }).to_string().into_bytes();
    let result = layout.add_manifest(&Descriptor::of(media_type::OCI_INDEX, &index), &index);
    assert!(matches!(result, Err(LayoutError::Absent { .. })));
}

#[test]
fn image_without_a_name_is_named_once() {
    let (layout, _directory) = new_layout();
    let bytes = add_image(&layout, "v1", "layer");
    for _ in 0..2 {
        layout.add_manifest(&Descriptor::of(media_type::OCI_MANIFEST, &bytes), &bytes).unwrap();
    }
    let index = layout.index().unwrap();
    assert_eq!(index.manifests.iter().map(|entry| entry.annotations.len()).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn descriptor_must_be_of_the_bytes() {
    let (layout, directory) = new_layout();
    layout.add_blob(b"{}").unwrap();
    layout.add_blob(b"layer").unwrap();
    let bytes = manifest("layer");
    let right = named(&bytes, "v1");
    let add = |wrong: Descriptor| layout.add_manifest(&wrong, &bytes).unwrap_err();
    let digest = Digest::of(b"other").into();
    assert!(matches!(add(Descriptor { digest, ..right.clone() }), LayoutError::Mismatch { .. }));
    assert!(matches!(add(Descriptor { size: 1, ..right.clone() }), LayoutError::Size { .. }));
    assert!(matches!(add(Descriptor { size: 9999, ..right.clone() }), LayoutError::Size { .. }));
    let media_type = media_type::DOCKER_MANIFEST.to_owned();
    assert!(matches!(add(Descriptor { media_type, ..right.clone() }), LayoutError::Manifest(_)));
    let media_type = "text/plain".to_owned();
    assert!(matches!(add(Descriptor { media_type, ..right.clone() }), LayoutError::MediaType { .. }));
    assert!(!directory.path().join("image/index.json").exists());
    layout.add_manifest(&right, &bytes).unwrap();
}

#[test]
fn same_name_is_taken_over_and_others_stay() {
    let (layout, _directory) = new_layout();
    add_image(&layout, "v1", "old");
    add_image(&layout, "v2", "other");
    let new = add_image(&layout, "v1", "new");
    assert_eq!(names(&layout), ["v2", "v1"]);
    assert_eq!(layout.index().unwrap().manifests[1].digest, Digest::of(&new).into());
    add_image(&layout, "v3", "new");
    assert_eq!(names(&layout), ["v2", "v1", "v3"]);
}

#[test]
fn members_that_others_wrote_stay_as_they_are() {
    let (layout, directory) = new_layout();
    add_image(&layout, "v1", "layer");
    let path = directory.path().join("image/index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["annotations"] = json!({ "by": "another" });
    index["manifests"][0]["platform"] = json!({ "architecture": "arm64", "os": "linux", "os.features": ["x"] });
    fs::write(&path, index.to_string()).unwrap();
    add_image(&layout, "v2", "other");
    let after: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(after["annotations"], index["annotations"]);
    assert_eq!(after["manifests"][0], index["manifests"][0]);
}

#[test]
fn changed_large_and_absent_blobs_are_three_answers() {
    let (layout, directory) = new_layout();
    let digest: AnyDigest = layout.add_blob(b"layer").unwrap().into();
    assert!(matches!(layout.blob(&digest, 4), Err(LayoutError::TooLarge { most: 4, .. })));
    fs::write(path_of(directory.path(), b"layer"), "lager").unwrap();
    assert!(matches!(layout.blob(&digest, 5), Err(LayoutError::Mismatch { .. })));
    fs::remove_file(path_of(directory.path(), b"layer")).unwrap();
    assert!(matches!(layout.blob(&digest, 5), Err(LayoutError::Absent { .. })));
}

#[test]
fn streamed_blob_must_have_its_size_and_digest() {
    let (layout, directory) = new_layout();
    let digest = AnyDigest::Sha512([0; 64]).same_algorithm(b"abcdef");
    let mut short = layout.writer(digest, 6).unwrap();
    short.write(b"abc").unwrap();
    assert!(matches!(short.finish(), Err(LayoutError::Size { found: 3, wanted: 6, .. })));
    let mut long = layout.writer(digest, 6).unwrap();
    assert!(matches!(long.write(b"abcdefg"), Err(LayoutError::Size { found: 7, wanted: 6, .. })));
    let mut other = layout.writer(digest, 6).unwrap();
    other.write(b"abcdeg").unwrap();
    assert!(matches!(other.finish(), Err(LayoutError::Mismatch { .. })));
    assert!(!layout.holds(&digest));
    drop(long);
    let left: Vec<_> = fs::read_dir(directory.path().join("image")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["blobs"]);
    let mut right = layout.writer(digest, 6).unwrap();
    right.write(b"abc").unwrap();
    right.write(b"def").unwrap();
    right.finish().unwrap();
    assert_eq!(layout.blob(&digest, 6).unwrap(), b"abcdef");
}

#[test]
fn interrupted_layout_is_gone_on_with() {
    let (layout, directory) = new_layout();
    let root = directory.path().join("image");
    layout.add_blob(b"layer").unwrap();
    fs::write(root.join(".partial-0"), "la").unwrap();
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    drop(layout);
    assert!(matches!(Layout::open(&root), Err(LayoutError::NotALayout { .. })));
    let again = Layout::create(&root).unwrap();
    assert!(again.holds(&Digest::of(b"layer").into()));
    add_image(&again, "v1", "layer");
    assert!(matches!(Layout::create(&root), Err(LayoutError::NotEmpty { .. })));
    assert!(Layout::open(&root).is_ok());
}

#[test]
fn directory_with_something_in_it_is_not_begun_in() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.txt"), "precious").unwrap();
    assert!(matches!(Layout::create(directory.path()), Err(LayoutError::NotEmpty { .. })));
    assert!(matches!(Layout::open(directory.path()), Err(LayoutError::NotALayout { .. })));
}

#[test]
fn layout_of_another_version_or_with_a_bad_index_is_not_opened() {
    let (layout, directory) = new_layout();
    add_image(&layout, "v1", "layer");
    let root = directory.path().join("image");
    for marker in [r#"{"imageLayoutVersion":"2.0.0"}"#, "{}", "", r#"{"imageLayoutVersion":"1.0.0"} x"#] {
        fs::write(root.join("oci-layout"), marker).unwrap();
        assert!(matches!(Layout::open(&root), Err(LayoutError::NotALayout { .. })), "{marker}");
    }
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    for index in [String::from_utf8(manifest("x")).unwrap(), r#"{"schemaVersion":2,"manifests":7}"#.into(), "".into()] {
        fs::write(root.join("index.json"), &index).unwrap();
        assert!(matches!(Layout::open(&root), Err(LayoutError::Index(_))), "{index}");
    }
}

#[test]
fn index_that_another_writer_holds_is_not_written() {
    let (layout, directory) = new_layout();
    add_image(&layout, "v1", "layer");
    let held = fs::File::open(directory.path().join("image/oci-layout")).unwrap();
    held.lock().unwrap();
    layout.add_blob(b"other").unwrap();
    let bytes = manifest("other");
    let result = layout.add_manifest(&named(&bytes, "v2"), &bytes);
    assert!(matches!(result, Err(LayoutError::InUse { .. })));
    assert_eq!(names(&layout), ["v1"]);
}

/// What this comes to, which must not take long.
fn promptly<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, answer) = mpsc::channel();
    thread::spawn(move || told.send(work()));
    answer.recv_timeout(Duration::from_secs(20)).expect("it waits for a file that is none")
}

fn fifo(path: &Path) {
    fs::remove_file(path).unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn fifo_in_a_layout_is_an_error_and_not_waited_for() {
    for place in ["oci-layout", "index.json", "a blob"] {
        let (layout, directory) = new_layout();
        let bytes = add_image(&layout, "v1", "layer");
        let root = directory.path().join("image");
        let blob = AnyDigest::from(Digest::of(&bytes));
        match place {
            "a blob" => fifo(&path_of(directory.path(), &bytes)),
            file => fifo(&root.join(file)),
        }
        let read = promptly(move || Layout::open(root).and_then(|layout| layout.blob(&blob, 1000)));
        let refused = read.unwrap_err();
        assert!(matches!(refused, LayoutError::Io { .. }), "{place}: {refused}");
        assert!(refused.to_string().ends_with("a regular file wanted"), "{place}: {refused}");
    }
}

#[test]
fn fifo_in_place_of_the_marker_is_not_waited_for_by_who_adds_an_image() {
    let (layout, directory) = new_layout();
    let bytes = add_image(&layout, "v1", "layer");
    fifo(&directory.path().join("image/oci-layout"));
    let refused = promptly(move || layout.add_manifest(&named(&bytes, "v2"), &bytes)).unwrap_err();
    assert!(matches!(&refused, LayoutError::Io { path, .. } if path.ends_with("oci-layout")), "{refused}");
}

#[test]
fn device_or_socket_in_a_layout_is_no_blob_and_a_link_to_a_file_is() {
    let (layout, directory) = new_layout();
    let bytes = add_image(&layout, "v1", "layer");
    let (blob, digest) = (path_of(directory.path(), &bytes), AnyDigest::from(Digest::of(&bytes)));
    let [elsewhere, socket] = ["elsewhere", "socket"].map(|name| directory.path().join(name));
    fs::rename(&blob, &elsewhere).unwrap();
    let _bound = UnixListener::bind(&socket).unwrap();
    for other in [Path::new("/dev/zero"), &socket] {
        symlink(other, &blob).unwrap();
        let refused = layout.blob(&digest, 1000).unwrap_err();
        assert!(matches!(refused, LayoutError::Io { .. }), "{}: {refused}", other.display());
        fs::remove_file(&blob).unwrap();
    }
    symlink(elsewhere, &blob).unwrap();
    assert_eq!(layout.blob(&digest, 1000).unwrap(), bytes);
}
