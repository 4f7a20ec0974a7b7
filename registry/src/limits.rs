//! How much of a stranger's data is taken, and how long is waited for it.
//!
//! The defaults keep one verification within 32 MiB of memory whatever a registry answers: two manifests of 4 MiB at a
//! time, one of them being parsed, and 12 MiB of signatures that are kept.

use std::time::Duration;

/// The limits of one client. Passing one is an error with its own name and never a shorter list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an image's manifest or index, of a `.sig` manifest, and of all pages of one list of referrers.
    pub manifest: u64,
    /// Bytes of the manifest of one referrer. It names one layer; the largest seen in the wild has 6 KiB.
    pub referrer_manifest: u64,
    /// Bytes of one simple-signing payload. It names one image; annotations are the only part that can grow.
    pub payload: u64,
    /// Bytes of one Sigstore bundle. Signatures take 2 to 12 KiB; attestations carry their statement, such as a bill
    /// of material, and reach megabytes.
    pub bundle: u64,
    /// Bytes of all payloads, bundles and annotations kept for one image, and of reasons why others are not.
    pub signatures_total: u64,
    /// Bytes of a token service's answer.
    pub token_answer: u64,
    /// Bytes of an error's body that are read; at most 200 of them are shown.
    pub error_body: u64,
    /// Pages of one list of referrers or tags.
    pub pages: usize,
    /// Referrers of one image.
    pub referrers: usize,
    /// Tags of one repository.
    pub tags: usize,
    /// Signature layers examined for one image, from one source.
    pub signature_layers: usize,
    /// Redirects of one request.
    pub redirects: usize,
    /// Requests under way to one registry at a time.
    pub requests_per_host: usize,
    /// Requests that wait for their turn at one registry; one more is an error at once.
    pub waiting_per_host: usize,
    /// Bodies over 256 KiB that are read at a time, from all registries.
    pub large_bodies: usize,
    /// Registries remembered (scheme, challenge, credential) at a time.
    pub hosts: usize,
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Time for one request: waiting for its turn, redirects, retries and the body included.
    pub request: Duration,
    /// Further attempts of a GET after 429, 502, 503, 504 or a broken connection.
    pub retries: u32,
    /// The longest `Retry-After` that is waited for; a longer one is an error at once.
    pub retry_after: Duration,
    /// Rounds of reading, merging and writing a tag that others write too.
    pub merge_rounds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 4 * MIB,
            referrer_manifest: MIB / 4,
            payload: MIB,
            bundle: 8 * MIB,
            signatures_total: 12 * MIB,
            token_answer: 64 * 1024,
            error_body: 4 * 1024,
            pages: 32,
            referrers: 1000,
            tags: 100_000,
            signature_layers: 1000,
            redirects: 5,
            requests_per_host: 8,
            waiting_per_host: 1024,
            large_bodies: 2,
            hosts: 1024,
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            retries: 2,
            retry_after: Duration::from_secs(5),
            merge_rounds: 16,
        }
    }
}

const MIB: u64 = 1024 * 1024;
