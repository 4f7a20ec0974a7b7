//! SARIF 2.1.0, which code hosts show beside the lines: what every report of ours has in common.

use serde_json::{Value, json};

/// A log of one run. More may be added to the run.
pub(crate) fn log(rules: &[Value], results: &[Value]) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "sealgate", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A place in a file.
pub(crate) fn location(path: &str, line: u64, column: u64) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(path) },
        "region": { "startLine": line, "startColumn": column },
    } })
}

/// A path as a reference to it, absolute or not.
fn uri(path: &str) -> String {
    let encoded: String = path.trim_start_matches("./").bytes().map(encoded).collect();
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

fn encoded(byte: u8) -> String {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_becomes_a_reference() {
        for (path, wanted) in [
            ("a.yaml", "a.yaml"),
            ("./a b/ü.yaml", "a%20b/%C3%BC.yaml"),
            ("/a:b.yaml", "file:///a%3Ab.yaml"),
            ("../a.yaml", "../a.yaml"),
        ] {
            assert_eq!(uri(path), wanted);
        }
    }
}
