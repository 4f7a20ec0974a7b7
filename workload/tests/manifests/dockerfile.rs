//! Dockerfiles.

use std::collections::BTreeMap;

use workload::{Form, Manifest, ManifestError};

use super::{found as found_in, problems, refused as refused_in, told};

fn found(text: &str) -> Vec<String> {
    found_in(Form::Dockerfile, text)
}

#[track_caller]
fn refused(text: &str) -> ManifestError {
    refused_in(Form::Dockerfile, text)
}

fn given(text: &str, arguments: &[(&str, &str)]) -> Manifest {
    let arguments: BTreeMap<_, _> = arguments.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Manifest::read(Form::Dockerfile, text, &arguments)
}

const STAGES: &str = "# syntax=docker/dockerfile:1 extra
# a comment
ARG VERSION=1.2
ARG BASE=a/base:${VERSION}

FROM --platform=$BUILDPLATFORM a/build:1 AS Build
RUN --mount=type=bind,from=a/tools:1,source=/x,target=/x \\
    --mount=type=cache,target=/c,from=build \\
    # in between

    make
FROM scratch AS empty
COPY --from=build /x /x
FROM ${BASE} as run
COPY --link --from=0 /x /x
COPY --chown=1:1 \\
  --from=a/certs:2 /c /c
ADD https://x.example/ /y
ONBUILD COPY --from=a/later:1 /z /z
from build
";

#[test]
fn everything_that_a_build_takes_from_images_is_found() {
    let wanted = [
        "1:10 # syntax docker/dockerfile:1",
        "6:32 FROM a/build:1",
        "7:28 RUN --mount a/tools:1",
        "14:6 FROM a/base:1.2",
        "17:10 COPY --from a/certs:2",
        "19:21 COPY --from a/later:1",
    ];
    let own_cache = STAGES.replace(",from=build", "");
    assert_eq!(found(&own_cache), wanted);
    let crlf = own_cache.replace('\n', "\r\n");
    assert_eq!(found(&format!("\u{feff}{crlf}")), wanted);
    // A stage that is mounted into itself.
    assert_eq!(refused(STAGES), ManifestError::LaterStage("build".to_owned()));
}

#[test]
fn stages_are_no_images_and_what_only_looks_like_one_is() {
    assert_eq!(found("FROM a AS x\nFROM x AS y\nCOPY --from=X . .\nCOPY --from=1x . .\n").len(), 2);
    assert_eq!(found("FROM x\nFROM b AS x\n"), ["1:6 FROM x", "2:6 FROM b"]);
    assert_eq!(found("FROM x AS x\n"), ["1:6 FROM x"]);
    assert_eq!(found("FROM Scratch\n"), ["1:6 FROM Scratch"]);
    assert_eq!(found("FROM a\nCOPY --from=scratch . .\nCOPY --from= . .\n").len(), 1);
    for (source, refusal) in [
        ("later", ManifestError::LaterStage("later".to_owned())),
        ("now", ManifestError::LaterStage("now".to_owned())),
        ("1", ManifestError::NoStage("1".to_owned())),
        ("9", ManifestError::NoStage("9".to_owned())),
    ] {
        let text = format!("FROM a\nFROM b AS now\nCOPY --from={source} . .\nFROM c AS later\n");
        assert_eq!(refused(&text), refusal, "{source}");
    }
}

#[test]
fn arguments_are_replaced_and_what_has_no_value_is_named() {
    let text = "ARG A=x B=\"y z\"\nARG C\nFROM $A:${C:-1}\n";
    assert_eq!(found(text), ["3:6 FROM x:1"]);
    let manifest = given(text, &[("A", "q"), ("C", "2"), ("OTHER", "3")]);
    assert_eq!(told(&manifest), ["3:6 FROM q:2"]);
    let unset = |name: &str| ManifestError::Unset(name.to_owned());
    assert_eq!(refused("ARG C\nFROM a:$C\n"), unset("C"));
    assert_eq!(refused("FROM a:$C\n"), unset("C"));
    assert_eq!(refused("ARG A=$B\nFROM ${A:-x}\n"), unset("B"));
    assert_eq!(refused("FROM x\nARG A=1\nFROM a:$A\n"), unset("A"));
    assert_eq!(refused("FROM a-${TARGETARCH:-amd64}\n"), unset("TARGETARCH"));
    assert_eq!(told(&given("FROM a-${TARGETARCH}\n", &[("TARGETARCH", "arm64")])), ["1:6 FROM a-arm64"]);
    // An argument that is not declared is not replaced by builders either.
    assert_eq!(given("FROM $A\n", &[("A", "x")]).problems.len(), 1);
    assert_eq!(refused("ARG A=\nFROM $A\n").to_string(), "FROM: wanted an image, or an image AS a name");
}

#[test]
fn image_that_reads_the_file_may_be_given_or_written_in_other_ways() {
    let first = |text: &str| found(text)[0].clone();
    assert_eq!(first("#!/usr/bin/env x\n#syntax = f:1\nFROM a\n"), "2:11 # syntax f:1");
    assert_eq!(told(&given("FROM a\n", &[("BUILDKIT_SYNTAX", "f:2")]))[0], "1:1 # syntax f:2");
    assert_eq!(told(&given("// syntax=f:1\nFROM a\n", &[]))[0], "1:11 # syntax f:1");
    assert_eq!(found("# comment\n# syntax=f:1\nFROM a\n"), ["3:6 FROM a"]);
    assert_eq!(found("# check=skip=all\n# syntax=f:1\nFROM a\n").len(), 2);
}

#[test]
fn here_documents_hide_what_they_hold_and_nothing_else() {
    let text = "FROM a\nRUN <<EOF cat && <<-\"END\" cat\nFROM hidden\nEOF\nFROM hidden2\n\t\tEND\nCOPY <<x <<y /d\nx\nFROM no\ny\nFROM b\n";
    assert_eq!(found(text), ["1:6 FROM a", "11:6 FROM b"]);
    for shown in [
        "RUN echo $((1<<2))\n",
        "RUN cat <<<word\n",
        "RUN [\"sh\", \"-c\", \"cat\"] <<EOF\n",
        "RUN echo '<<EOF'\n",
        "RUN echo \"x <<EOF y\"\n",
        "RUN echo a << EOF\n",
        "CMD cat <<EOF\n",
        "LABEL x=<<EOF\n",
        "ONBUILD CMD <<EOF\n",
        "RUN echo x\\<<EOF\n",
    ] {
        assert_eq!(found(&format!("FROM a\n{shown}FROM b\n")).len(), 2, "{shown}");
    }
    let onbuild = "FROM a\nONBUILD RUN ${X:-y} <<EOF\nFROM hidden\nEOF\n";
    assert_eq!(found(onbuild).len(), 1);
}

#[test]
fn here_documents_that_builders_may_read_differently_are_refused() {
    for line in [
        "RUN echo it's <<EOF",
        "RUN echo ${x/a/b} <<EOF",
        "RUN echo ${x:-$y} <<EOF",
        "RUN [\"\\ud800\"] <<EOF",
        "RUN cat <<$EOF",
        "RUN cat <<E\\OF",
    ] {
        assert_eq!(refused(&format!("FROM a\n{line}\nFROM b\nEOF\n")), ManifestError::Ambiguous, "{line}");
    }
    assert_eq!(refused("FROM a\nRUN <<EOF\nx\n"), ManifestError::HereDocument("EOF".to_owned()));
}

#[test]
fn lines_are_continued_by_the_escape_of_the_file() {
    assert_eq!(found("FROM \\\n# x\n\n  a \\ \n AS b\nFROM b\n"), ["4:3 FROM a"]);
    assert_eq!(found("# escape=`\nFROM `\n a\nRUN dir C:\\\nFROM b\n"), ["3:2 FROM a", "5:6 FROM b"]);
    assert_eq!(found("FROM a\nRUN x \\\\\nFROM b\n").len(), 2);
    for text in ["# escape=x\nFROM a\n", "# escape=`\n# escape=\\\nFROM a\n"] {
        assert!(matches!(refused(text), ManifestError::Directive(_)), "{text}");
    }
}

#[test]
fn what_is_no_dockerfile_is_refused() {
    assert_eq!(refused("# nothing\nARG A=1\n"), ManifestError::NoBase);
    assert_eq!(refused(""), ManifestError::NoBase);
    assert_eq!(refused("FROM a\nFORM b\nFROM c\n"), ManifestError::Instruction("form".to_owned()));
    for text in
        ["FROM\n", "FROM a b\n", "FROM a AS\n", "FROM --x=y a\n", "FROM a AS b c\n", "FROM --platform linux a\n"]
    {
        assert!(matches!(refused(text), ManifestError::Malformed { .. }), "{text}");
    }
    assert!(matches!(refused("FROM a\nCOPY --from b /c /d\n"), ManifestError::Malformed { .. }));
    assert!(matches!(refused("FROM a\nRUN --mount type=bind,from=b x\n"), ManifestError::Malformed { .. }));
    assert_eq!(refused("FROM a\nCOPY --from=$X . .\n"), ManifestError::NoVariables("COPY --from"));
    assert_eq!(refused("FROM a\nRUN --mount=type=bind,from=${X} x\n"), ManifestError::NoVariables("RUN --mount"));
    assert_eq!(refused("FROM a\nRUN --mount='type=bind,\"from=b\"' x\n"), ManifestError::Quotes("RUN --mount"));
    assert_eq!(refused("ARG 'A\nFROM a\n"), ManifestError::Quotes("ARG"));
}

#[test]
fn quoted_flags_hide_no_image() {
    assert_eq!(found("FROM a\nCOPY \"--from=no\" . .\nCOPY --from=\"b\" . .\nCOPY --fr\\om='c' . .\n").len(), 3);
    assert_eq!(found("FROM a\nRUN -- --mount=from=no\nRUN --network=none --mount=FROM=b,type=cache x\n").len(), 2);
}

#[test]
fn problems_do_not_hide_each_other() {
    let manifest = given("FROM $A\nCOPY --from=$B . .\nFROM c\n", &[]);
    assert_eq!(
        problems(&manifest),
        ["1 variable `A` has no value here", "2 COPY --from: a variable found, wanted a name"]
    );
    assert_eq!(told(&manifest), ["3:6 FROM c"]);
}
