//! A document at an address of its own, which is no registry's: fetched by the rules that hold for registries' addresses,
//! with the same certificates and without any credential.

use http::StatusCode;
use url::Url;

use crate::{
    Client, Lookup, RegistryError,
    address::Registry,
    error::{Item, Refusal, excerpt},
    transport::Outgoing,
};

impl Client {
    /// The bytes at this https address, at most so many. Redirects are followed, never to http, nor from elsewhere to this
    /// machine. An address on this machine is asked only if certificates are configured for it.
    ///
    /// # Errors
    /// Fails if the address may not be asked, does not answer, or answers with anything but the document or its absence.
    pub async fn document(&self, address: &str, most: u64) -> Result<Lookup<Vec<u8>>, RegistryError> {
        let refuse = |refusal| RegistryError::Refused { registry: excerpt(address.as_bytes()), refusal };
        let unusable = || refuse(Refusal::Address { url: excerpt(address.as_bytes()) });
        let url = Url::parse(address).ok().filter(|url| url.scheme() == "https").ok_or_else(unusable)?;
        let server = Registry::at(&url).ok_or_else(unusable)?;
        if server.is_loopback() && !self.transport().knows(&server) {
            return Err(refuse(Refusal::ThisMachine { url: excerpt(address.as_bytes()) }));
        }
        let answer = self.transport().fetch(&server, url, &Outgoing::get()).await?;
        match answer.status {
            StatusCode::OK => answer.read(Item::Document, most).await.map(Lookup::Found),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Lookup::Absent),
            _ => Err(answer.into_error().await),
        }
    }
}
