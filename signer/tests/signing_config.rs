//! Which services a signing config comes to, and which configs are none.

use std::time::Duration;

use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use signer::{Format, Service, Services, SigningConfig, SigningConfigError};

const NOW: u64 = 1_767_225_600; // 2026-01-01

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(NOW))
}

fn offer(url: &str, version: u64, start: &str, operator: &str) -> Value {
    json!({ "url": url, "majorApiVersion": version, "validFor": { "start": start }, "operator": operator })
}

/// A config with these logs.
fn config(logs: &[Value], selector: &Value) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [offer("https://ca.test", 1, "2025-01-01T00:00:00Z", "a")],
        "rekorTlogUrls": logs,
        "rekorTlogConfig": selector,
    })
}

fn parse(value: &Value) -> Result<SigningConfig, SigningConfigError> {
    SigningConfig::parse(value.to_string().as_bytes())
}

fn select(value: &Value, format: Format) -> Result<Services, SigningConfigError> {
    parse(value)?.select(now(), format, false)
}

fn any() -> Value {
    json!({ "selector": "ANY" })
}

#[test]
fn highest_version_wins_over_the_newest() {
    let both = [
        offer("https://one.test", 1, "2025-12-01T00:00:00Z", "a"),
        offer("https://two.test", 2, "2025-01-01T00:00:00Z", "a"),
        offer("https://three.test", 3, "2025-01-01T00:00:00Z", "a"),
    ];
    assert_eq!(select(&config(&both, &any()), Format::Bundle).unwrap().log_hosts(), ["two.test"]);
}

#[test]
fn legacy_format_takes_version_1() {
    let both = [
        offer("https://one.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://two.test", 2, "2025-01-01T00:00:00Z", "a"),
    ];
    for format in [Format::Legacy, Format::Both] {
        assert_eq!(select(&config(&both, &any()), format).unwrap().log_hosts(), ["one.test"]);
    }
    let error = select(&config(&both[1..], &any()), Format::Legacy).unwrap_err();
    assert!(matches!(error, SigningConfigError::NoneFit { service: Service::Log, .. }), "{error}");
}

#[test]
fn newest_of_each_operator_is_taken_and_only_what_is_in_force() {
    let mut over = offer("https://over.test", 1, "2025-12-30T00:00:00Z", "b");
    over["validFor"]["end"] = json!("2025-12-31T00:00:00Z");
    let all = [
        offer("https://old.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://new.test", 1, "2025-06-01T00:00:00Z", "a"),
        offer("https://future.test", 1, "2026-06-01T00:00:00Z", "a"),
        offer("https://other.test", 1, "2025-02-01T00:00:00Z", "b"),
        over,
    ];
    let services = select(&config(&all, &json!({ "selector": "ALL" })), Format::Bundle).unwrap();
    assert_eq!(services.log_hosts(), ["new.test", "other.test"]);
}

#[test]
fn lower_version_is_used_where_no_higher_one_is_in_force() {
    let all = [
        offer("https://one.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://two.test", 2, "2026-06-01T00:00:00Z", "a"),
    ];
    assert_eq!(select(&config(&all, &any()), Format::Bundle).unwrap().log_hosts(), ["one.test"]);
}

#[test]
fn as_many_are_taken_as_the_config_says() {
    let two = [
        offer("https://a.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://b.test", 1, "2025-01-01T00:00:00Z", "b"),
    ];
    let count = |selector| select(&config(&two, &selector), Format::Bundle).map(|services| services.log_hosts().len());
    assert_eq!(count(any()).unwrap(), 1);
    assert_eq!(count(json!({ "selector": "ALL" })).unwrap(), 2);
    assert_eq!(count(json!({ "selector": "EXACT", "count": 2 })).unwrap(), 2);
    let three = count(json!({ "selector": "EXACT", "count": 3 })).unwrap_err();
    assert!(matches!(three, SigningConfigError::TooFew { found: 2, wanted: 3, .. }), "{three}");
    for wrong in [json!({ "selector": "EXACT" }), json!({ "selector": "SOME" })] {
        assert!(matches!(count(wrong).unwrap_err(), SigningConfigError::Member { .. }));
    }
    assert!(matches!(count(json!({})).unwrap_err(), SigningConfigError::Unsaid { service: Service::Log }));
}

#[test]
fn any_does_not_mean_always_the_same() {
    let two = [
        offer("https://a.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://b.test", 1, "2025-01-01T00:00:00Z", "b"),
    ];
    let config = config(&two, &any());
    let mut seen: Vec<String> = (0..64).flat_map(|_| select(&config, Format::Bundle).unwrap().log_hosts()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["a.test", "b.test"]);
}

#[test]
fn config_without_logs_logs_nothing() {
    let services = select(&config(&[], &json!({})), Format::Bundle).unwrap();
    assert!(!services.has_log() && !services.tell_the_time());
    let wanted = select(&config(&[], &json!({ "selector": "EXACT", "count": 1 })), Format::Bundle).unwrap_err();
    assert!(matches!(wanted, SigningConfigError::TooFew { found: 0, wanted: 1, .. }), "{wanted}");
}

#[test]
fn authority_is_wanted_only_where_a_key_is_to_be_certified() {
    let mut value = config(&[], &json!({}));
    assert!(parse(&value).unwrap().select(now(), Format::Bundle, true).unwrap().has_authority());
    value["caUrls"][0]["majorApiVersion"] = json!(2);
    assert!(!select(&value, Format::Bundle).unwrap().has_authority());
    let none = parse(&value).unwrap().select(now(), Format::Bundle, true).unwrap_err();
    assert!(matches!(none, SigningConfigError::NoneFit { service: Service::CertificateAuthority, .. }), "{none}");
}

#[test]
fn provider_is_the_newest_that_is_in_force() {
    let mut value = config(&[], &json!({}));
    assert_eq!(parse(&value).unwrap().provider(now()), None);
    value["oidcUrls"] = json!([
        offer("https://old.test", 1, "2025-01-01T00:00:00Z", "a"),
        offer("https://new.test", 1, "2025-06-01T00:00:00Z", "b"),
        offer("https://future.test", 1, "2026-06-01T00:00:00Z", "c"),
    ]);
    assert_eq!(parse(&value).unwrap().provider(now()), Some("https://new.test"));
}

#[test]
fn what_the_format_does_not_have_is_refused() {
    let good = config(&[offer("https://a.test", 1, "2025-01-01T00:00:00Z", "a")], &any());
    assert!(parse(&good).is_ok());
    let spoilt = |pointer: &str, value: Value| {
        let mut bad = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match bad.pointer_mut(parent).unwrap() {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
            object => object[name] = value,
        }
        parse(&bad).unwrap_err()
    };
    let version = spoilt("/mediaType", json!("application/vnd.dev.sigstore.signingconfig.v0.1+json"));
    assert!(matches!(version, SigningConfigError::MediaType { .. }), "{version}");
    let unknown =
        [("/caUrl", json!([])), ("/rekorTlogUrls/0/uri", json!("x")), ("/rekorTlogConfig/Selector", json!("ALL"))];
    for (pointer, value) in unknown {
        let error = spoilt(pointer, value);
        assert!(matches!(error, SigningConfigError::Unknown { .. }), "{pointer}: {error}");
    }
    let wrong = [
        ("/rekorTlogUrls", json!({})),
        ("/rekorTlogUrls/0", json!("https://a.test")),
        ("/rekorTlogUrls/0/url", json!("")),
        ("/rekorTlogUrls/0/majorApiVersion", json!("one")),
        ("/rekorTlogUrls/0/validFor/start", json!("yesterday")),
    ];
    for (pointer, value) in wrong {
        let error = spoilt(pointer, value);
        assert!(matches!(error, SigningConfigError::Member { .. }), "{pointer}: {error}");
    }
    let twice = SigningConfig::parse(br#"{"mediaType":"a","mediaType":"b"}"#).unwrap_err();
    assert!(matches!(twice, SigningConfigError::Json(_)), "{twice}");
}

#[test]
fn address_that_is_none_is_refused() {
    let bad = config(&[offer("file:///etc/passwd", 1, "2025-01-01T00:00:00Z", "a")], &any());
    let error = select(&bad, Format::Bundle).unwrap_err();
    assert!(matches!(error, SigningConfigError::Address(_)), "{error}");
}
