//! Agreement with the real evaluator: it never says no where we say yes; it says yes where we say no only where a
//! policy computes with what is not known, or depends on an order of evaluation.
#![expect(clippy::disallowed_methods, reason = "the real evaluator is a program, the long run has a length")]

#[path = "differential/generalise.rs"]
mod generalise;
#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/oracle.rs"]
mod oracle;

#[path = "differential/mutate.rs"]
mod mutate;
#[path = "corpus/snippets.rs"]
mod snippets;
#[path = "cases/table.rs"]
mod table;

use std::time::{Duration, Instant, SystemTime};

use generate::Chance;
use oracle::{Case, Tally};

#[test]
fn the_table_says_what_cue_answers() {
    peers::require!("cue-oracle");
    let table = table::cases();
    let cases: Vec<Case> =
        table.iter().map(|case| Case { policy: case.policy.clone(), data: case.data.clone() }).collect();
    for (case, answer) in table.iter().zip(oracle::answers(&cases)) {
        let expected = case.answer != table::Answer::No;
        assert_eq!(answer["ok"], expected, "{}\n{}\n{answer}", case.policy, case.data);
    }
}

#[test]
fn policies_of_the_corpus_mean_what_they_mean_to_cue() {
    peers::require!("cue-oracle");
    let Some(corpus) = peers::corpus() else { return };
    let data = |policy: &str| {
        let mut data = vec!["{}".to_owned()];
        // what one policy asks for, as another asks for it or not
        for text in ["foobar e2e test", "foobar key e2e test", "bar", "65532", "65530"] {
            for key in ["Data", "foo", "User"] {
                let vuln = r#""scanner":{"uri":"fakescanner.example.com/cosign-testing"},"invocation":{"uri":"invocation.example.com/cosign-testing"},"metadata":{"scanStartedOn":"2022-04-12T00:00:00Z","scanFinishedOn":"2022-04-12T00:10:00Z"}"#;
                let config = format!(r#"{{"config":{{"{key}":"{text}"}}}}"#);
                let kind = if policy.contains("vuln/v1") { "vuln/v1" } else { "v1" };
                data.push(format!(
                    r#"{{"predicateType":"https://cosign.sigstore.dev/attestation/{kind}","predicate":{{"{key}":"{text}","Timestamp":"2022-04-12T00:00:00Z",{vuln}}},"config":{{"linux/amd64":{config},"linux/arm/v7":{config}}},"metadata":{{"labels":{{"{key}":"{text}"}}}}}}"#
                ));
            }
        }
        data
    };
    let mut cases = Vec::new();
    for (_, policy) in snippets::all(&corpus) {
        cases.extend(data(&policy).into_iter().map(|data| Case { policy: policy.clone(), data }));
    }
    let tally = oracle::compare(&cases);
    assert!(tally.differences.is_empty() && tally.open.undecided + tally.open.unsupported == 0, "{tally}");
    assert!(tally.yes > 100 && tally.no > 50, "{tally}");
}

#[test]
fn generated_policies_mean_what_they_mean_to_cue() {
    peers::require!("cue-oracle");
    let (seed, mut tally) = (seed(|| 0), Tally::default());
    for batch in seed..seed + 8 {
        tally.add(oracle::compare(&generated(batch)));
    }
    tally.agrees();
}

/// For as many seconds as `SEALGATE_DIFFERENTIAL_SECONDS` says, or five minutes, and with other policies every time.
#[test]
#[ignore = "takes minutes"]
fn generated_policies_mean_what_they_mean_to_cue_for_minutes() {
    peers::require!("cue-oracle");
    let seconds = std::env::var("SEALGATE_DIFFERENTIAL_SECONDS").map_or(300, |text| text.parse().expect("a number"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let seed = seed(|| SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_secs() * 1000);
    println!("SEALGATE_DIFFERENTIAL_SEED={seed}");
    let (mut batch, mut tally) = (seed, Tally::default());
    while Instant::now() < until {
        tally.add(oracle::compare(&generated(batch)));
        tally.add(oracle::compare(&mutated(batch)));
        batch += 1;
    }
    println!("batches {seed}..{batch}: {tally}");
    tally.agrees();
}

/// The first batch: what `SEALGATE_DIFFERENTIAL_SEED` says, so that a run can be had again.
fn seed(otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var("SEALGATE_DIFFERENTIAL_SEED").map_or_else(|_| otherwise(), |text| text.parse().expect("a number"))
}

#[test]
fn mutated_policies_mean_what_they_mean_to_cue() {
    peers::require!("cue-oracle");
    let (seed, mut tally) = (seed(|| 0), Tally::default());
    for batch in seed..seed + 8 {
        tally.add(oracle::compare(&mutated(batch)));
    }
    tally.agrees();
}

/// Policies and data of the table, with a piece changed here and there, mostly within what is supported.
fn mutated(batch: u64) -> Vec<Case> {
    let table = table::cases();
    (0..500)
        .map(|number| {
            let chance = &mut Chance::new(u64::MAX - batch * 500 - number);
            let case = &table[chance.below(table.len())];
            let mut policy = mutate::policy(chance, &table, &case.policy);
            if oracle::is_refused_by_name(&policy) {
                policy = mutate::policy(chance, &table, &case.policy);
            }
            Case { policy, data: case.data.clone() }
        })
        .collect()
}

/// Policies that are written by chance, half of them to be met by their data, mostly within what is supported.
fn generated(batch: u64) -> Vec<Case> {
    (0..500)
        .map(|number| {
            let chance = &mut Chance::new(batch * 500 + number);
            if number % 2 == 0 {
                let (policy, data) = generalise::pair(chance);
                return Case { policy, data };
            }
            let mut policy = generate::policy(chance);
            if oracle::is_refused_by_name(&policy) {
                policy = generate::policy(chance);
            }
            Case { policy, data: generate::data(chance) }
        })
        .collect()
}
