//! The socket: TLS, and limits on what strangers may hold open.

use std::{
    future::{Future, Ready, ready},
    io,
    net::TcpListener,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, accept::Accept, tls_rustls::RustlsAcceptor};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::tls::Tls;

/// Serves until `shutdown` completes and the requests under way are answered, at most thirty seconds later.
///
/// Connections beyond 512 are closed at once, a handshake or a first request that takes over ten seconds ends its
/// connection, so does a minute without a request.
///
/// # Errors
/// Fails if the listener cannot be used any longer.
pub async fn serve(
    listener: TcpListener,
    tls: Tls,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let limited = Limited(Arc::new(Semaphore::new(MOST_CONNECTIONS)));
    let acceptor = RustlsAcceptor::new(tls.config()).handshake_timeout(PATIENCE).acceptor(limited);
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle.clone());
    let mut server = server.http1_only().first_request_timeout(PATIENCE);
    server.http_builder().http1().header_read_timeout(IDLE).max_buf_size(MOST_HEAD);
    let stop = async {
        shutdown.await;
        handle.graceful_shutdown(Some(GRACE));
    };
    tokio::select! {
        result = server.serve(router.into_make_service()) => result,
        ((), never) = async { tokio::join!(stop, tls.keep_fresh()) } => match never {},
    }
}

/// Lets in as many connections as there are permits, and closes the others.
#[derive(Clone)]
struct Limited(Arc<Semaphore>);

impl<S> Accept<TcpStream, S> for Limited {
    type Stream = Held;
    type Service = S;
    type Future = Ready<io::Result<(Held, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let permit = self.0.clone().try_acquire_owned().map_err(|_| io::ErrorKind::ConnectionRefused.into());
        let held = permit.and_then(|permit| stream.set_nodelay(true).map(|()| Held { stream, _permit: permit }));
        ready(held.map(|held| (held, service)))
    }
}

/// A connection with the permit that it gives back when it closes.
struct Held {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Held {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

const MOST_CONNECTIONS: usize = 512;
const MOST_HEAD: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);
/// The longest that the API server waits for a review.
const GRACE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_connection_too_many_is_closed_until_another_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let limited = Limited(Arc::new(Semaphore::new(1)));
        let mut clients = Vec::new();
        let mut accept = async || {
            clients.push(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
            limited.accept(listener.accept().await.unwrap().0, ()).await
        };
        let first = accept().await.unwrap();
        assert!(accept().await.is_err());
        drop(first);
        assert!(accept().await.is_ok());
    }
}
