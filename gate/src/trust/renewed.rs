//! What a long-lived process trusts, renewed beside its work.
//!
//! Whoever asks gets the latest at once: no request waits for a mirror or a file. What cannot be renewed stays as it is,
//! and says since when and why; what follows from its age is for the process to decide.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use tokio::{task::JoinHandle, time::sleep};

/// A value that a task renews. The task ends when this is dropped.
#[derive(Debug)]
pub struct Renewed<T> {
    latest: Arc<ArcSwap<Latest<T>>>,
    task: JoinHandle<()>,
}

/// The value as it was loaded last, and what came of trying again since.
#[derive(Debug)]
pub struct Latest<T> {
    value: Arc<T>,
    loaded: Timestamp,
    failure: Option<String>,
}

impl<T: Send + Sync + 'static> Renewed<T> {
    /// Loads the value by this clock, and then again each time that so long has passed.
    ///
    /// # Errors
    /// Fails if it cannot be loaded the first time: there is nothing to go on with.
    pub async fn start<L, F, E>(load: L, clock: fn() -> Timestamp, pause: Duration) -> Result<Self, E>
    where
        L: Fn(Timestamp) -> F + Send + 'static,
        F: Future<Output = Result<T, E>> + Send,
        E: fmt::Display + Send,
    {
        let loaded = clock();
        let value = Arc::new(load(loaded).await?);
        let latest = Arc::new(ArcSwap::from_pointee(Latest { value, loaded, failure: None }));
        let place = latest.clone();
        let task = tokio::spawn(async move {
            loop {
                sleep(pause).await;
                let now = clock();
                let result = load(now).await;
                place.store(Arc::new(place.load().after(now, result)));
            }
        });
        Ok(Self { latest, task })
    }

    /// The latest, at once.
    #[must_use]
    pub fn latest(&self) -> Arc<Latest<T>> {
        self.latest.load_full()
    }
}

impl<T> Drop for Renewed<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<T> Latest<T> {
    /// The value.
    #[must_use]
    pub fn value(&self) -> &Arc<T> {
        &self.value
    }

    /// How long ago it was loaded; a clock that was set back makes it no younger than new.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.loaded).max(SignedDuration::ZERO)
    }

    /// Why it could not be renewed when that was tried last.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    fn after<E: fmt::Display>(&self, now: Timestamp, result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self { value: Arc::new(value), loaded: now, failure: None },
            Err(error) => {
                let failure = error.to_string();
                tracing::warn!(%failure, loaded = %self.loaded, "trust material cannot be renewed; the old stays in force");
                Self { value: self.value.clone(), loaded: self.loaded, failure: Some(failure) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    use tokio::time::{Instant, advance};

    use super::*;
    use crate::trust::{Tuf, TufError, TufSettings};

    const PAUSE: Duration = Duration::from_secs(60);

    /// The paused clock of the test, as a time of day.
    fn clock() -> Timestamp {
        thread_local!(static START: Instant = Instant::now());
        let passed = START.with(|start| start.elapsed());
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(passed).unwrap()
    }

    /// Lets the task run until it waits again.
    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn latest_is_there_at_once_and_renewed_after_the_pause() {
        let loads = Arc::new(AtomicUsize::new(0));
        let count = loads.clone();
        let load = move |_| {
            let count = count.clone();
            async move { Ok::<_, String>(count.fetch_add(1, SeqCst)) }
        };
        let renewed = Renewed::start(load, clock, PAUSE).await.unwrap();
        settle().await;
        for _ in 0..100 {
            assert_eq!(**renewed.latest().value(), 0);
        }
        assert_eq!(loads.load(SeqCst), 1, "asking loads nothing");
        advance(PAUSE).await;
        settle().await;
        assert_eq!(**renewed.latest().value(), 1);
        assert_eq!(renewed.latest().age(clock()), SignedDuration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_renewed_stays_and_says_why_and_how_old_it_is() {
        let good = Arc::new(AtomicUsize::new(1));
        let state = good.clone();
        let load = move |_| {
            let good = state.load(SeqCst) == 1;
            async move { if good { Ok("a root") } else { Err("the mirror is gone") } }
        };
        let renewed = Renewed::start(load, clock, PAUSE).await.unwrap();
        settle().await;
        good.store(0, SeqCst);
        for minutes in 1..=2 {
            advance(PAUSE).await;
            settle().await;
            let latest = renewed.latest();
            assert_eq!((**latest.value(), latest.failure()), ("a root", Some("the mirror is gone")));
            assert_eq!(latest.age(clock()), SignedDuration::from_mins(minutes));
        }
        good.store(1, SeqCst);
        advance(PAUSE).await;
        settle().await;
        assert_eq!(renewed.latest().failure(), None);
        assert_eq!(renewed.latest().age(clock()), SignedDuration::ZERO);
    }

    #[tokio::test]
    async fn nothing_to_begin_with_is_an_error() {
        let load = |_| async { Err::<(), _>("no mirror") };
        assert_eq!(Renewed::start(load, Timestamp::now, PAUSE).await.unwrap_err(), "no mirror");
    }

    #[tokio::test]
    async fn repository_that_cannot_be_checked_is_nothing_to_begin_with() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = Some("http://127.0.0.1:1".to_owned());
        let cache = folder.path().to_owned();
        let tuf = Tuf::new(TufSettings { cache, mirror, root: None, patience: PAUSE });
        let load = move |now| {
            let tuf = tuf.clone();
            async move { tuf.load(now).await }
        };
        let refused = Renewed::start(load, Timestamp::now, PAUSE).await.unwrap_err();
        assert!(matches!(refused, TufError::NoRoot { .. }), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn task_ends_with_its_owner() {
        let loads = Arc::new(AtomicUsize::new(0));
        let count = loads.clone();
        let load = move |_| {
            count.fetch_add(1, SeqCst);
            async { Ok::<_, String>(()) }
        };
        let renewed = Renewed::start(load, clock, PAUSE).await.unwrap();
        settle().await;
        drop(renewed);
        advance(10 * PAUSE).await;
        settle().await;
        assert_eq!(loads.load(SeqCst), 1);
    }

    #[test]
    fn clock_that_was_set_back_makes_nothing_younger_than_new() {
        let latest = Latest { value: Arc::new(()), loaded: Timestamp::UNIX_EPOCH, failure: None };
        assert_eq!(latest.age(Timestamp::UNIX_EPOCH - SignedDuration::from_hours(1)), SignedDuration::ZERO);
    }
}
