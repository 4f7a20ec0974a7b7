//! Log entries that are there already, by their place: bundles of older versions lack the proof that newer ones carry.

use crate::{Service, ServiceError, log_entry::LogEntry, service::Address, token::Web};

/// The entry with this index in a log of version 1, with its proof, as bundles carry it. Whether it is the one that was
/// meant, and genuine, was not looked at.
///
/// # Errors
/// Fails if the log cannot be asked, has no such entry, or answers with something else.
pub async fn logged_entry(log: &str, index: u64) -> Result<Vec<u8>, ServiceError> {
    let address = Address::new(Service::Log, log)?;
    let mut question = address.get(&["api", "v1", "log", "entries"]);
    question.url.query_pairs_mut().append_pair("logIndex", &index.to_string());
    let answer = Web::default().object(&question).await.map_err(|error| address.failed(error))?;
    let entry = LogEntry::version_1(&answer).map_err(|wanted| address.lacks(wanted))?;
    Ok(entry.in_bundle().to_string().into_bytes())
}
