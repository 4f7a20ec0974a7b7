//! Steps instead of seconds.
//!
//! The evaluator asks a clock as it goes, once for every expression, and gives up when its time is over. It gets a
//! counter for a clock: the same policy and input end at the same step everywhere. The counter also looks how much of
//! the stack is in use, since an overflow could not be caught, and values that pass their bounds stop it.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};

use super::error::RegoBound;

/// The steps of one evaluation.
pub(super) const MOST_STEPS: u64 = 1_000_000;

/// Runs an evaluation from step zero, and says what stopped it, if something did.
pub(super) fn metered<T>(evaluate: impl FnOnce() -> T) -> (T, Option<RegoBound>) {
    METER.set(Meter { steps: 0, floor: stack_now(), spent: None });
    let result = evaluate();
    (result, METER.get().spent)
}

/// Counts work that the evaluator does not count itself.
pub(super) fn charge(steps: u64) {
    let meter = METER.get();
    METER.set(Meter { steps: meter.steps.saturating_add(steps), ..meter });
}

/// Ends the evaluation at its next step.
pub(super) fn stop(bound: RegoBound) {
    let meter = METER.get();
    METER.set(Meter { spent: meter.spent.or(Some(bound)), ..meter });
}

/// What makes an evaluator ask the counter, or `None` if it could not be asked.
pub(super) fn bounds() -> Option<ExecutionTimerConfig> {
    COUNTS.then_some(ExecutionTimerConfig { limit: Duration::from_nanos(MOST_STEPS), check_interval: NonZeroU32::MIN })
}

#[derive(Clone, Copy)]
struct Meter {
    steps: u64,
    floor: usize,
    spent: Option<RegoBound>,
}

impl Meter {
    fn stepped(self) -> Meter {
        let steps = self.steps.saturating_add(1);
        let spent = self.spent.or_else(|| {
            let deep = self.floor.abs_diff(stack_now()) > MOST_STACK;
            deep.then_some(RegoBound::Nesting).or((steps > MOST_STEPS).then_some(RegoBound::Steps))
        });
        Meter { steps, spent, ..self }
    }
}

struct Counter;

impl TimeSource for Counter {
    /// One nanosecond a step; after the end, later than any limit.
    fn now(&self) -> Option<Duration> {
        let meter = METER.get().stepped();
        METER.set(meter);
        Some(meter.spent.map_or(Duration::from_nanos(meter.steps), |_| Duration::MAX))
    }
}

/// Where the stack ends now, near enough.
#[inline(never)]
fn stack_now() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

thread_local! {
    static METER: Cell<Meter> = const { Cell::new(Meter { steps: 0, floor: 0, spent: None }) };
}

static COUNTER: Counter = Counter;
static COUNTS: LazyLock<bool> = LazyLock::new(|| set_time_source(&COUNTER).is_ok());

/// Half of what a thread has by default; the reading of the policy has used none of it by then.
const MOST_STACK: usize = 1 << 20;
