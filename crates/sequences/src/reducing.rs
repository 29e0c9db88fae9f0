//! Reduces and encodes partitions side by side, the second half of a build, and appends them in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use staycast_events::EnrolmentIndex;

use crate::columns::{Columns, schema};
use crate::count::Frame;
use crate::error::BuildError;
use crate::features::Feature;
use crate::parquet_out::{Appender, Encoded, GroupedFile};
use crate::progress::{Progress, Unit};
use crate::reduce::{Reducer, Summary};
use crate::store::{PartitionEvents, Store};

/// Holds the result of reducing, besides the file.
pub(crate) struct Reduced {
    pub(crate) summaries: Vec<Summary>,
    pub(crate) events: u64,
    pub(crate) rows: u64,
}

/// Holds one partition reduced and encoded.
struct ReducedPartition {
    encoded: Encoded,
    summaries: Vec<Summary>,
    events: u64,
    rows: u64,
}

/// Returns how many partitions a thread may be ahead of the next one to be appended: what is encoded takes little room, but not none.
fn most_ahead() -> usize {
    8 * rayon::current_num_threads()
}

/// Reduces every partition's events in `store` to the rows of the file at `path`. Each thread holds the events of one.
pub(crate) fn reduce_all(
    frame: &Frame<'_>,
    features: &[Feature],
    partitions: &[Range<u32>],
    store: &Store,
    path: &Path,
    progress: &dyn Progress,
) -> Result<Reduced, BuildError> {
    let schema = schema(features);
    let mut file = GroupedFile::create(path, &schema).map_err(BuildError::parquet(path))?;
    progress.begin("weeks", Some(frame.roster.enrolments.len() as u64), Unit::Enrolments);
    let reduced = Reduced { summaries: Vec::with_capacity(frame.roster.enrolments.len()), events: 0, rows: 0 };
    let (encoder, appender) = file.parts();
    let one = |number: usize| -> Result<ReducedPartition, BuildError> {
        let events = store.take(number).map_err(BuildError::write(path))?;
        let (columns, summaries, events) = reduce_partition(frame, features, partitions[number].clone(), events);
        let batch = columns.finish(&schema);
        let encoded = encoder.encode(number, &batch).map_err(BuildError::parquet(path))?;
        progress.advance(summaries.len() as u64);
        Ok(ReducedPartition { encoded, summaries, events, rows: batch.num_rows() as u64 })
    };
    let order = Order {
        turn: Mutex::new(Turn { appender, waiting: BTreeMap::new(), next: 0, failed: false, reduced }),
        moved: Condvar::new(),
        most_ahead: most_ahead(),
    };
    let queue = AtomicUsize::new(0);
    // One after the other off a queue, so that no thread is done long before another, and what is done early is next.
    let results: Vec<Result<(), BuildError>> = rayon::broadcast(|_| {
        let _guard = FailOnPanic(&order);
        loop {
            let number = queue.fetch_add(1, Ordering::Relaxed);
            if number >= partitions.len() || !order.wait_for(number) {
                return Ok(());
            }
            let put = one(number).and_then(|done| order.put(number, done).map_err(BuildError::parquet(path)));
            if put.is_err() {
                order.fail();
                return put;
            }
        }
    });
    results.into_iter().collect::<Result<(), _>>()?;
    let reduced = order.turn.into_inner().expect(APPENDING).reduced;
    file.finish().map_err(BuildError::parquet(path))?;
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let (weeks, enrolments) = (reduced.rows, reduced.summaries.len() as u64);
    progress.end(&format!("{weeks} enrolment-week{} of {enrolments} enrolment{}", plural(weeks), plural(enrolments)));
    Ok(reduced)
}

/// Appends in order what is done in any.
struct Order<'a> {
    turn: Mutex<Turn<'a>>,
    /// Notified when `turn` has moved.
    moved: Condvar,
    most_ahead: usize,
}

struct Turn<'a> {
    appender: Appender<'a>,
    /// Done, and waiting for those before them.
    waiting: BTreeMap<usize, ReducedPartition>,
    /// Number of the partition to be appended next.
    next: usize,
    failed: bool,
    reduced: Reduced,
}

const APPENDING: &str = "no thread panics while it appends";

impl Order<'_> {
    /// Waits until partition `number` is not too far ahead; false when another failed. Whoever has the next partition
    /// never waits, so somebody goes on.
    fn wait_for(&self, number: usize) -> bool {
        let turn = self.turn.lock().expect(APPENDING);
        let waits = |turn: &mut Turn<'_>| !turn.failed && number >= turn.next + self.most_ahead;
        !self.moved.wait_while(turn, waits).expect(APPENDING).failed
    }

    /// Takes partition `number`, and appends those whose turn it is.
    fn put(&self, number: usize, done: ReducedPartition) -> Result<(), parquet::errors::ParquetError> {
        let mut turn = self.turn.lock().expect(APPENDING);
        let turn = &mut *turn;
        turn.waiting.insert(number, done);
        while let Some(ReducedPartition { encoded, summaries, events, rows }) = turn.waiting.remove(&turn.next) {
            turn.appender.append(encoded)?;
            turn.reduced.summaries.extend(summaries);
            turn.reduced.events += events;
            turn.reduced.rows += rows;
            turn.next += 1;
        }
        self.moved.notify_all();
        Ok(())
    }

    fn fail(&self) {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
        self.moved.notify_all();
    }
}

/// Lets no thread wait for one that panicked.
struct FailOnPanic<'o, 'a>(&'o Order<'a>);

impl Drop for FailOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail();
        }
    }
}

/// Reduces a partition to rows and summaries, and counts its events.
fn reduce_partition(
    frame: &Frame<'_>,
    features: &[Feature],
    enrolments: Range<u32>,
    mut events: PartitionEvents,
) -> (Columns, Vec<Summary>, u64) {
    let mut columns = Columns::new(features);
    let mut summaries = Vec::with_capacity(enrolments.len());
    let mut reducer = Reducer::new(frame, features);
    let mut count = 0;
    for index in enrolments.map(EnrolmentIndex) {
        let mine = events.enrolment(index);
        count += mine.iter().map(|event| u64::from(event.weight())).sum::<u64>();
        let (all, place) = (&frame.roster.enrolments, index.as_usize());
        let grid = &frame.grids[all.course(place).as_usize()];
        let course = frame.roster.course_of(index);
        columns.keys(&course.id, all.id(place), all.learner(place), grid.weeks.count());
        let week_days = |week| grid.weeks.week_days(week);
        summaries.push(reducer.reduce(index, mine, |week, values| {
            columns.push(week, week_days(week), Some(values));
        }));
        for week in grid.unobserved() {
            columns.push(week, week_days(week), None);
        }
    }
    (columns, summaries, count)
}
