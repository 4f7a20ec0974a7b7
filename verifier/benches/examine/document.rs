//! The table's place in docs/benchmarks.md: between two marks; what stands around them is written by hand.

use std::{fs, path::Path};

/// The processor, and how busy the machine is just now.
pub(crate) fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{}, load {load}", model.unwrap_or("unknown processor"))
}

/// Puts the text between the marks of this name, and says where.
///
/// # Panics
/// If the document or its marks are missing.
pub(crate) fn write(mark: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
    let [begin, end] = ["begin", "end"].map(|at| format!("<!-- {mark}: {at} -->"));
    let old = fs::read_to_string(&path).unwrap();
    let (head, rest) = old.split_once(&begin).expect("the mark before the table is there");
    let (_, tail) = rest.split_once(&end).expect("the mark behind the table is there");
    fs::write(&path, format!("{head}{begin}\n{text}{end}{tail}")).unwrap();
    path.display().to_string()
}
