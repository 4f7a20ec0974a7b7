//! The bodies of reviews: each of bounded size and read within a short time, all of them together within a budget.
//!
//! Whoever sends one is a stranger until it is read, so a body counts for what has arrived of it and not for what was
//! announced: a line of header takes nothing from anybody else. The first bytes of each are free, so that reviews of
//! usual size are read whatever others send.

use std::{sync::Arc, time::Duration};

use axum::{body::Bytes, extract::Request, http::StatusCode};
use futures::TryStreamExt as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// What all bodies in memory share.
pub(crate) struct Bodies {
    /// One permit a KiB.
    budget: Arc<Semaphore>,
}

/// A whole body; what it takes of the budget comes back when it is dropped.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _charge: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("the body is longer than {MOST} bytes")]
    TooLong,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("too many large reviews at once")]
    Crowded,
    #[error("the body broke off")]
    Broken(#[source] axum::Error),
}

impl Bodies {
    /// A budget of 64 MiB.
    pub(crate) fn new() -> Self {
        Self { budget: Arc::new(Semaphore::new(BUDGET >> 10)) }
    }

    /// Reads the body of a request, in two seconds at most, and no longer than `longest`.
    pub(crate) async fn read(&self, request: Request, longest: Duration) -> Result<Body, Unread> {
        let until = Instant::now() + longest.min(PATIENCE);
        let mut stream = request.into_body().into_data_stream();
        let (mut bytes, mut charge) = (Vec::new(), None);
        let mut next = async || match timeout_at(until, stream.try_next()).await {
            Ok(piece) => piece.map_err(Unread::Broken),
            Err(_) => Err(Unread::TooSlow),
        };
        while let Some(piece) = next().await? {
            if bytes.len() + piece.len() > MOST {
                return Err(Unread::TooLong);
            }
            bytes.extend_from_slice(&piece);
            self.pay(&mut charge, bytes.len(), until).await?;
        }
        Ok(Body { bytes: bytes.into(), _charge: charge })
    }

    /// Brings the charge up to what this many bytes cost.
    async fn pay(
        &self,
        charge: &mut Option<OwnedSemaphorePermit>,
        length: usize,
        until: Instant,
    ) -> Result<(), Unread> {
        let cost = length.saturating_sub(FREE).div_ceil(1024);
        let missing = cost - charge.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if missing == 0 {
            return Ok(());
        }
        let missing = u32::try_from(missing).expect("a body has at most 4096 KiB");
        let paid = timeout_at(until, self.budget.clone().acquire_many_owned(missing)).await;
        let paid = paid.map_err(|_| Unread::Crowded)?.expect("the budget is never closed");
        match charge {
            Some(charge) => charge.merge(paid),
            None => *charge = Some(paid),
        }
        Ok(())
    }
}

impl Unread {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

const MOST: usize = 4 * 1024 * 1024;
const BUDGET: usize = 64 * 1024 * 1024;
const FREE: usize = 64 * 1024;
/// The API server is near, and has the whole body before it calls.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};

    use super::*;

    fn bodies(kib: usize) -> Bodies {
        Bodies { budget: Arc::new(Semaphore::new(kib)) }
    }

    /// A body in pieces of at most 10 KiB, without a length announced.
    fn request(length: usize) -> Request {
        let body = vec![b'x'; length];
        let pieces: Vec<_> = body.chunks(10 * 1024).map(|piece| Ok::<_, axum::Error>(piece.to_vec())).collect();
        Request::new(axum::body::Body::from_stream(stream::iter(pieces)))
    }

    async fn read(bodies: &Bodies, length: usize) -> Result<Body, Unread> {
        bodies.read(request(length), Duration::from_millis(50)).await
    }

    #[tokio::test]
    async fn budget_is_taken_by_what_arrived_and_comes_back_with_the_body() {
        let bodies = bodies(100);
        let first = read(&bodies, FREE + 60 * 1024).await.unwrap();
        assert_eq!((first.bytes.len(), bodies.budget.available_permits()), (FREE + 60 * 1024, 40));
        assert!(matches!(read(&bodies, FREE + 60 * 1024).await, Err(Unread::Crowded)));
        assert_eq!(bodies.budget.available_permits(), 40);
        drop(first);
        assert!(read(&bodies, FREE + 60 * 1024).await.is_ok());
        assert_eq!(bodies.budget.available_permits(), 100);
    }

    #[tokio::test]
    async fn body_of_usual_size_is_read_whatever_others_hold() {
        let bodies = bodies(0);
        assert_eq!(read(&bodies, FREE).await.unwrap().bytes.len(), FREE);
        assert!(matches!(read(&bodies, FREE + 1).await, Err(Unread::Crowded)));
    }

    #[tokio::test]
    async fn body_waits_for_budget_that_others_give_back() {
        let bodies = bodies(10);
        let first = read(&bodies, FREE + 1024 * 10).await.unwrap();
        let second = bodies.read(request(FREE + 1), Duration::from_secs(60));
        let (second, ()) = tokio::join!(second, async { drop(first) });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn longest_body_is_read_and_a_longer_one_is_not() {
        let bodies = Bodies::new();
        assert_eq!(bodies.read(request(MOST), Duration::MAX).await.unwrap().bytes.len(), MOST);
        assert!(matches!(bodies.read(request(MOST + 1), Duration::MAX).await, Err(Unread::TooLong)));
        assert_eq!(bodies.budget.available_permits(), BUDGET >> 10);
    }

    #[tokio::test]
    async fn body_that_stops_is_given_up_when_the_review_is_due() {
        let begun = stream::iter([Ok::<_, axum::Error>(vec![b'{'])]).chain(stream::pending());
        let request = Request::new(axum::body::Body::from_stream(begun));
        let given_up = Bodies::new().read(request, Duration::from_millis(20)).await;
        assert!(matches!(given_up, Err(Unread::TooSlow)));
    }
}
