//! The glob dialect, row by row: what matches a name as it is admitted, and the twice as many that don't.

use policy::{Glob, GlobError};

const HEX: &str = "@sha256:1111111111111111111111111111111111111111111111111111111111111111";

fn matches(glob: &str, subject: &str) -> bool {
    Glob::parse(glob).expect("is a glob").matches(subject)
}

#[test]
fn admitted_names_match() {
    let rows = [
        ("**", "ghcr.io/acme/app"),
        ("*", "index.docker.io/library/nginx"),
        ("*/*", "index.docker.io/acme/app"),
        ("*/*", "index.docker.io/library/nginx"),
        ("ghcr.io/acme/app@*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app*", "ghcr.io/acme/app-evil"),
        ("ghcr.io/acme/app**", "ghcr.io/acme/app/sub/deep"),
        ("ghcr.io/acme/*", "ghcr.io/acme/app"),
        ("ghcr.io/*/app@*", "ghcr.io/acme/app"),
        ("ghcr.io/**", "ghcr.io/acme/app"),
        ("ghcr.io/**/app@*", "ghcr.io/a/b/c/app"),
        ("*.io/acme/app@*", "ghcr.io/acme/app"),
        ("**/app@sha256:*", "ghcr.io/acme/app"),
        ("**demo**", "registry.local:5000/x/demo"),
        ("localhost:5000/**", "localhost:5000/app"),
        ("***", "ghcr.io/acme/app"),
        ("ghcr.io/***@*", "ghcr.io/acme/deep/app"),
        ("index.docker.io/library/*", "index.docker.io/library/nginx"),
        ("index.docker.io/*/*", "index.docker.io/acme/app"),
    ];
    for (glob, name) in rows {
        assert!(matches(glob, &format!("{name}{HEX}")), "{glob} {name}");
    }
    assert!(matches(&format!("ghcr.io/acme/app{HEX}"), &format!("ghcr.io/acme/app{HEX}")));
}

#[test]
fn other_names_do_not() {
    let rows = [
        // the whole name, to its end
        ("ghcr.io/acme/app", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app:*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app:v1.*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app@sha256:1", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app@sha256:2*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/app@sha512:*", "ghcr.io/acme/app"),
        // and from its beginning
        ("acme/app@*", "ghcr.io/acme/app"),
        ("nginx@*", "index.docker.io/library/nginx"),
        ("trusted.io/app@*", "evil.io/trusted.io/app"),
        ("trusted.io/app*", "evil.io/trusted.io/app"),
        ("trusted.io/**", "nottrusted.io/app"),
        ("ghcr.io/acme/app@*", "xghcr.io/acme/app"),
        // a dot is a dot
        ("trusted.io/app@*", "trustedXio/app"),
        ("trusted.io/app@*", "trusted-io/app"),
        ("ghcr.io/a.b/app@*", "ghcr.io/a-b/app"),
        // one star stops at a slash
        ("ghcr.io/*", "ghcr.io/acme/app"),
        ("ghcr.io/acme/*", "ghcr.io/acme/deep/app"),
        ("ghcr.io/*/app@*", "ghcr.io/acme/deep/app"),
        ("*/app@*", "ghcr.io/acme/app"),
        ("*.io/app@*", "evil.com/x.io/app"),
        ("**/*/app*", "app"),
        // what Docker Hub is called
        ("docker.io/library/nginx@*", "index.docker.io/library/nginx"),
        ("docker.io/**", "index.docker.io/acme/app"),
        ("index.docker.io/nginx@*", "index.docker.io/library/nginx"),
        ("nginx", "index.docker.io/library/nginx"),
        ("nginx*", "index.docker.io/library/nginx"),
        ("acme/*", "index.docker.io/acme/app"),
        ("library/*", "index.docker.io/library/nginx"),
        // the two rewritten globs are rewritten
        ("*", "index.docker.io/acme/app"),
        ("*", "ghcr.io/nginx"),
        ("*/*", "ghcr.io/acme/app"),
        ("*/*", "ghcr.io/app"),
        ("*/*", "index.docker.io/a/b/c"),
        ("*/*/*/*", "ghcr.io/acme/app"),
        // siblings, with a tight glob
        ("ghcr.io/acme/app@*", "ghcr.io/acme/app-evil"),
        ("ghcr.io/acme/app@*", "ghcr.io/acme/app/evil"),
        ("ghcr.io/acme/app@*", "ghcr.io/acme/ap"),
        ("ghcr.io/acme/*", "ghcr.io/acme-evil/app"),
        // letters have their case, ports count
        ("ghcr.io/Acme/app@*", "ghcr.io/acme/app"),
        ("localhost:5000/**", "localhost:5001/app"),
        ("localhost/**", "localhost:5000/app"),
        ("**demo@*", "ghcr.io/demo/app"),
    ];
    for (glob, name) in rows {
        assert!(!matches(glob, &format!("{name}{HEX}")), "{glob} {name}");
    }
}

#[test]
fn characters_outside_the_dialect_are_refused() {
    for found in ['[', ']', '?', '{', '}', '\\', ' ', '+', '$', '^', '(', '|', '\n', 'é', '\u{202e}'] {
        let glob = format!("ghcr.io/a{found}b/*");
        assert_eq!(Glob::parse(&glob), Err(GlobError::Character { found }), "{glob:?}");
    }
    assert_eq!(Glob::parse(""), Err(GlobError::Empty));
    assert_eq!(Glob::parse(&"*".repeat(2_000)), Err(GlobError::TooLong { found: 2_000 }));
    for good in ["**", "A-z_0:/*.@9", "."] {
        assert_eq!(Glob::parse(good).unwrap().as_str(), good);
    }
}

#[test]
fn many_stars_cost_no_more_than_their_number() {
    let glob = "**a".repeat(300) + "b";
    assert!(!matches(&glob, &"a".repeat(1_000)));
    assert!(matches(&glob, &("a".repeat(1_000) + "b")));
}

proptest::proptest! {
    /// The dialect is defined by translation to a regular expression; a backtracking reading of it must agree.
    #[test]
    fn agrees_with_the_plain_reading(glob in "[ab/*]{1,9}", subject in "[ab/]{0,9}") {
        proptest::prop_assume!(glob != "*" && glob != "*/*");
        proptest::prop_assert_eq!(matches(&glob, &subject), plainly(glob.as_bytes(), subject.as_bytes()));
    }
}

fn plainly(glob: &[u8], subject: &[u8]) -> bool {
    match (glob, subject) {
        ([b'*', b'*', rest @ ..], _) => (0..=subject.len()).any(|taken| plainly(rest, &subject[taken..])),
        ([b'*', rest @ ..], _) => {
            let most = subject.iter().position(|&b| b == b'/').unwrap_or(subject.len());
            (0..=most).any(|taken| plainly(rest, &subject[taken..]))
        }
        ([first, rest @ ..], [found, after @ ..]) => first == found && plainly(rest, after),
        ([_, ..], []) => false,
        ([], subject) => subject.is_empty(),
    }
}
