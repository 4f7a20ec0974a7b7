//! The servers of a private Sigstore, each told of those that it uses.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::Log;
use super::issuer::{EMAIL, GITHUB, Issuer, URI};
use super::pki::{self, Pki};
use super::service::{Ready, Service};

/// All of them. Those that use others end first.
#[derive(Debug)]
pub(super) struct World {
    pub(super) fulcio: Service,
    pub(super) fulcio_without_log: Service,
    pub(super) rekor1: Service,
    rekor2: Service,
    rekor2_dsse: Service,
    tsa: Service,
    pub(super) certificates: Service,
    _trillian: Service,
}

impl World {
    pub(super) fn start(folder: &Path, pki: &Pki, issuer: &Issuer) -> Self {
        write_fulcio_config(folder, issuer);
        // First: it and Rekor v1 want the same port for their metrics, and Rekor v1 can do without.
        let tsa = start_timestamp_authority(folder, pki);
        let certificates = start_certificate_log(folder, pki);
        let trillian = start_trillian(folder);
        Self {
            fulcio: start_fulcio("fulcio", &certificates.url(), folder, pki),
            fulcio_without_log: start_fulcio("fulcio-without-log", "", folder, pki),
            rekor1: start_rekor1(folder, pki, trillian.address().port()),
            rekor2: start_rekor2("rekor-tiles", REKOR2, pki::REKOR2_KEY, folder, pki),
            rekor2_dsse: start_rekor2("rekor-tiles-2.2", REKOR2_DSSE, pki::REKOR2_DSSE_KEY, folder, pki),
            tsa,
            certificates,
            _trillian: trillian,
        }
    }

    pub(super) fn log(&self, log: Log) -> &Service {
        match log {
            Log::Rekor1 => &self.rekor1,
            Log::Rekor2 => &self.rekor2,
            Log::Rekor2Dsse => &self.rekor2_dsse,
        }
    }

    pub(super) fn timestamps(&self) -> String {
        format!("{}/api/v1/timestamp", self.tsa.url())
    }
}

fn write_fulcio_config(folder: &Path, issuer: &Issuer) {
    let provider =
        |name: &str, kind: &str| json!({ "issuer-url": issuer.url(name), "client-id": "sigstore", "type": kind });
    let mut uri = provider(URI, "uri");
    uri["subject-domain"] = json!(format!("http://{}", issuer.address()));
    let mut github = provider(GITHUB, "ci-provider");
    github["ci-provider"] = json!("github-workflow");
    let config = json!({
        "oidc-issuers": { issuer.url(EMAIL): provider(EMAIL, "email"), issuer.url(URI): uri, issuer.url(GITHUB): github },
        "ci-issuer-metadata": { "github-workflow": {
            "default-template-values": { "url": "https://github.com" },
            "extension-templates": {
                "github-workflow-trigger": "event_name",
                "github-workflow-sha": "sha",
                "github-workflow-name": "workflow",
                "github-workflow-repository": "repository",
                "github-workflow-ref": "ref",
                "build-signer-uri": "{{ .url }}/{{ .job_workflow_ref }}",
                "source-repository-uri": "{{ .url }}/{{ .repository }}",
                "source-repository-digest": "sha",
                "source-repository-ref": "ref",
                "build-trigger": "event_name",
            },
            "subject-alternative-name-template": "{{ .url }}/{{ .job_workflow_ref }}",
        } },
    });
    // Read as JSON it would need other names; the comment makes Fulcio read YAML, which JSON is too.
    fs::write(folder.join(FULCIO_CONFIG), format!("# YAML\n{config}")).expect("a temporary folder can be written");
}

fn start_timestamp_authority(folder: &Path, pki: &Pki) -> Service {
    Service::start("timestamp-server", "timestamp-server", folder, Ready::Answers("/ping"), |[port, _]| {
        vec![
            "serve".into(),
            "--host=127.0.0.1".into(),
            format!("--port={port}"),
            "--disable-ntp-monitoring".into(),
            "--timestamp-signer=file".into(),
            file("file-signer-key-path", pki, pki::TSA_KEY),
            file("certificate-chain-path", pki, pki::TSA_CHAIN),
        ]
    })
}

fn start_certificate_log(folder: &Path, pki: &Pki) -> Service {
    let storage = folder.join("certificates");
    Service::start("tesseract", "tesseract", folder, Ready::Answers("/ct/v1/get-roots"), |[port, _]| {
        vec![
            format!("--http_endpoint=127.0.0.1:{port}"),
            format!("--origin={CT_LOG_ORIGIN}"),
            format!("--storage_dir={}", storage.display()),
            file("private_key", pki, pki::CT_LOG_KEY),
            file("roots_pem_file", pki, pki::FULCIO_ROOT),
            "--ext_key_usages=CodeSigning".into(),
            // It answers when the entry is in the tree; with its usual intervals that takes half a second.
            "--batch_max_age=10ms".into(),
            "--checkpoint_interval=100ms".into(),
            "--enable_publication_awaiter=false".into(),
        ]
    })
}

/// Without the log's URL it puts nothing there.
fn start_fulcio(name: &str, log: &str, folder: &Path, pki: &Pki) -> Service {
    let socket = folder.join(format!("{name}.sock"));
    Service::start(name, "fulcio", folder, Ready::Answers("/healthz"), |[port, other]| {
        vec![
            "serve".into(),
            "--host=127.0.0.1".into(),
            format!("--port={port}"),
            "--grpc-host=127.0.0.1".into(),
            format!("--grpc-port={other}"),
            "--metrics-port=0".into(),
            format!("--legacy-unix-domain-socket={}", socket.display()),
            format!("--config-path={FULCIO_CONFIG}"),
            "--ca=fileca".into(),
            file("fileca-cert", pki, pki::FULCIO_CHAIN),
            file("fileca-key", pki, pki::FULCIO_KEY),
            // It insists on one; the key is not encrypted.
            "--fileca-key-passwd=none".into(),
            "--fileca-watch=false".into(),
            format!("--ct-log-url={log}"),
            file("ct-log-public-key-path", pki, pki::CT_LOG_PUBLIC),
            format!("--ct-log-origin={CT_LOG_ORIGIN}"),
        ]
    })
}

fn start_trillian(folder: &Path) -> Service {
    Service::start("trillian", "trillian-mem", folder, Ready::Listens, |[port, _]| {
        vec![format!("--rpc_endpoint=127.0.0.1:{port}")]
    })
}

fn start_rekor1(folder: &Path, pki: &Pki, trillian: u16) -> Service {
    Service::start("rekor1", "rekor-server", folder, Ready::Answers("/api/v1/log"), |[port, _]| {
        vec![
            "serve".into(),
            "--rekor_server.address=127.0.0.1".into(),
            format!("--port={port}"),
            "--rekor_server.hostname=rekor1.sealgate.test".into(),
            file("rekor_server.signer", pki, pki::REKOR1_KEY),
            "--trillian_log_server.address=127.0.0.1".into(),
            format!("--trillian_log_server.port={trillian}"),
            "--enable_retrieve_api=false".into(),
            format!("--enabled_api_endpoints={REKOR1_ENDPOINTS}"),
        ]
    })
}

/// The folder of its entries has its name, which is also its host's.
fn start_rekor2(program: &str, name: &str, key: &str, folder: &Path, pki: &Pki) -> Service {
    let storage = folder.join(name);
    fs::create_dir_all(&storage).expect("a temporary folder can be written");
    Service::start(name, program, folder, Ready::Answers("/healthz"), |[port, other]| {
        vec![
            "serve".into(),
            "--http-address=127.0.0.1".into(),
            format!("--http-port={port}"),
            "--grpc-address=127.0.0.1".into(),
            format!("--grpc-port={other}"),
            "--http-metrics-port=0".into(),
            format!("--hostname={name}.sealgate.test"),
            format!("--storage-dir={}", storage.display()),
            file("signer-filepath", pki, key),
            "--checkpoint-interval=200ms".into(),
            "--batch-max-age=50ms".into(),
        ]
    })
}

fn file(flag: &str, pki: &Pki, name: &str) -> String {
    format!("--{flag}={}", pki.path(name).display())
}

pub(super) const REKOR2: &str = "rekor2";
pub(super) const REKOR2_DSSE: &str = "rekor2d";
const FULCIO_CONFIG: &str = "fulcio.yaml";
const CT_LOG_ORIGIN: &str = "ct.sealgate.test";
const REKOR1_ENDPOINTS: &str = "getLogInfo,getPublicKey,getLogProof,createLogEntry,getLogEntryByIndex,\
                                getLogEntryByUUID,searchLogQuery";
