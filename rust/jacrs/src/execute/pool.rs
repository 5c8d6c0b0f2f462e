//! The threads of this process.
//!
//! A pool belongs to one process id: after a fork the child makes its own and leaves the parent's
//! alone, whose threads it does not have. Tasks are claimed one by one, the caller takes part, and
//! a call from inside a task runs in its own thread.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result, caught};
use crate::interrupt::{interruptible, struck};

/// Who waits for other threads looks for an interrupt this often.
const WAIT: Duration = Duration::from_millis(5);

/// Threads asked for; 0 is the default.
static THREADS: AtomicUsize = AtomicUsize::new(0);
/// The pool of the process that made it last.
static POOL: AtomicPtr<Pool> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    /// This thread runs a task.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// How many threads a run may use, the caller's included. `JACRS_NUM_THREADS` sets the default,
/// which else is what the machine has.
pub fn num_threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    match THREADS.load(Ordering::Relaxed) {
        0 => *DEFAULT.get_or_init(|| {
            let asked = std::env::var("JACRS_NUM_THREADS")
                .ok()
                .and_then(|n| n.trim().parse().ok());
            asked
                .filter(|&n: &usize| n > 0)
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        }),
        n => n,
    }
}

/// Sets the number of threads for all later runs; 0 goes back to the default.
pub fn set_num_threads(n: usize) {
    THREADS.store(n, Ordering::Relaxed);
}

type Task<'a> = &'a (dyn Fn(usize) -> Result<()> + Sync);

/// Runs `task(0)`, ..., `task(n - 1)`, in any order, on up to [`num_threads`] threads, and waits for
/// all of them. `between` is called by this thread after each task of its own and at the end.
///
/// # Errors
/// The first error by the number of its task; a panic in a task is an internal error. After an
/// error no further task is started.
pub fn parallel_for(n: usize, task: Task<'_>, between: &dyn Fn() -> Result<()>) -> Result<()> {
    parallel_for_on(usize::MAX, n, task, between)
}

/// [`parallel_for`] with at most `threads` tasks under way at once. One at a time, a task may use
/// the threads for itself.
pub fn parallel_for_on(
    threads: usize,
    n: usize,
    task: Task<'_>,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let threads = num_threads().min(n).min(threads);
    if threads <= 1 || INSIDE.get() {
        return (0..n).try_for_each(|k| {
            guarded(task, k)?;
            between()
        });
    }
    let job = Arc::new(Job::new(n, task, threads - 1));
    let pool = Pool::of_this_process();
    pool.announce(&job, threads - 1);
    INSIDE.set(true);
    struck();
    job.work(Some(between));
    job.look(between);
    let retired = pool.retire(&job, between);
    INSIDE.set(false);
    if !retired {
        // `between` forked this process: the threads that have the rest of the tasks are its parent's.
        return Err(Error::internal(
            "this process was forked in the middle of a run",
        ));
    }
    let error = lock(&job.error).take();
    error.map_or(Ok(()), |(_, error)| Err(error))
}

/// Runs a task; a panic is an error.
fn guarded(task: Task<'_>, k: usize) -> Result<()> {
    caught(|| task(k))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One call of [`parallel_for`].
struct Job {
    /// The task of the caller, who waits until no thread uses it any more.
    task: Task<'static>,
    tasks: usize,
    next: AtomicUsize,
    stopped: AtomicBool,
    /// Tasks under way end as well: nobody wants their results or their errors.
    interrupted: AtomicBool,
    error: Mutex<Option<(usize, Error)>>,
    /// Threads that may still join, and threads that have joined and not left.
    seats: AtomicUsize,
    busy: Mutex<usize>,
    left: Condvar,
}

impl Job {
    fn new(tasks: usize, task: Task<'_>, seats: usize) -> Self {
        // SAFETY: `Pool::retire` returns when nobody holds the task, before its true lifetime ends;
        // nothing between `announce` and `retire` unwinds.
        let task = unsafe { std::mem::transmute::<Task<'_>, Task<'static>>(task) };
        Self {
            task,
            tasks,
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            error: Mutex::new(None),
            seats: AtomicUsize::new(seats),
            busy: Mutex::new(0),
            left: Condvar::new(),
        }
    }

    /// Claims tasks until none is left.
    fn work(&self, between: Option<&dyn Fn() -> Result<()>>) {
        while !self.stopped.load(Ordering::Relaxed) {
            let k = self.next.fetch_add(1, Ordering::Relaxed);
            if k >= self.tasks {
                return;
            }
            self.note(k, guarded(self.task, k));
            if let Some(between) = between {
                self.interrupted.fetch_or(struck(), Ordering::Relaxed);
                self.look(between);
            }
        }
    }

    /// Calls `between`; its error interrupts all tasks.
    fn look(&self, between: &dyn Fn() -> Result<()>) {
        if !self.interrupted.load(Ordering::Relaxed)
            && let Err(error) = caught(between)
        {
            self.note(self.tasks, Err(error));
            self.interrupted.store(true, Ordering::Relaxed);
        }
    }

    /// What a worker's long tasks ask now and then.
    fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Error::internal("interrupted"));
        }
        Ok(())
    }

    /// Keeps the first error by the number of its task; no task is started after one.
    fn note(&self, k: usize, result: Result<()>) {
        if self.interrupted.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = result {
            self.stopped.store(true, Ordering::Relaxed);
            let mut first = lock(&self.error);
            if first.as_ref().is_none_or(|(at, _)| k < *at) {
                *first = Some((k, error));
            }
        }
    }
}

/// Sleeping threads and the jobs they may join.
struct Pool {
    process: u32,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: Vec<Arc<Job>>,
    workers: usize,
}

impl Pool {
    /// The pool of this process, made on first use and never freed: its threads refer to it.
    fn of_this_process() -> &'static Self {
        let process = std::process::id();
        loop {
            let current = POOL.load(Ordering::Acquire);
            // SAFETY: pools are leaked, so the pointer stays good, in a forked child too.
            if let Some(pool) = unsafe { current.as_ref() }
                && pool.process == process
            {
                return pool;
            }
            let pool = Box::into_raw(Box::new(Self {
                process,
                state: Mutex::new(State::default()),
                wake: Condvar::new(),
            }));
            if POOL
                .compare_exchange(current, pool, Ordering::AcqRel, Ordering::Acquire)
                .is_err()
            {
                // SAFETY: another thread was first; nobody has seen this one.
                drop(unsafe { Box::from_raw(pool) });
            }
        }
    }

    /// Offers a job to `helpers` threads, starting those that are missing.
    fn announce(&'static self, job: &Arc<Job>, helpers: usize) {
        let mut state = lock(&self.state);
        state.jobs.push(job.clone());
        while state.workers < helpers {
            let name = format!("jacrs-{}", state.workers + 1);
            let started = std::thread::Builder::new()
                .name(name)
                .spawn(|| self.serve());
            // With fewer threads than wished the caller does the rest.
            if started.is_err() {
                break;
            }
            state.workers += 1;
        }
        drop(state);
        for _ in 0..helpers {
            self.wake.notify_one();
        }
    }

    /// Takes a job back, and waits for the threads that are in it; false in a forked child, which
    /// has none of them.
    fn retire(&self, job: &Arc<Job>, between: &dyn Fn() -> Result<()>) -> bool {
        let is_here = || self.process == std::process::id();
        if !is_here() {
            return false;
        }
        lock(&self.state)
            .jobs
            .retain(|other| !Arc::ptr_eq(other, job));
        let mut busy = lock(&job.busy);
        while *busy > 0 {
            let waited = job.left.wait_timeout(busy, WAIT);
            let (still, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            busy = still;
            if timeout.timed_out() {
                drop(busy);
                job.look(between);
                if !is_here() {
                    return false;
                }
                busy = lock(&job.busy);
            }
        }
        true
    }

    /// The life of a worker.
    fn serve(&self) {
        INSIDE.set(true);
        let mut state = lock(&self.state);
        loop {
            let Some(job) = state
                .jobs
                .iter()
                .find(|job| job.seats.load(Ordering::Relaxed) > 0)
                .cloned()
            else {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            // Both change only under the lock of the pool, or are waited for after it: a job that
            // was taken back has no new helpers.
            job.seats.fetch_sub(1, Ordering::Relaxed);
            *lock(&job.busy) += 1;
            drop(state);
            let asked = job.clone();
            let _ = interruptible(Rc::new(move || asked.go_on()), || {
                job.work(None);
                Ok(())
            });
            *lock(&job.busy) -= 1;
            job.left.notify_all();
            drop(job);
            state = lock(&self.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::uninterrupted;

    #[test]
    fn every_task_runs_once_and_nested_calls_run_inline() {
        let counts: Vec<AtomicUsize> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
        let task = |k: usize| {
            parallel_for(2, &|_| Ok(()), &uninterrupted)?;
            counts[k].fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        parallel_for(counts.len(), &task, &uninterrupted).unwrap();
        assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn no_more_tasks_than_asked_for_are_under_way() {
        for limit in [1, 2] {
            let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let task = |_: usize| {
                let others = now.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(others + 1, Ordering::SeqCst);
                std::thread::yield_now();
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            parallel_for_on(limit, 200, &task, &uninterrupted).unwrap();
            assert!(most.into_inner() <= limit);
        }
    }

    #[test]
    fn panics_and_errors_come_back() {
        let panics = |k: usize| if k == 3 { panic!("three") } else { Ok(()) };
        let error = parallel_for(8, &panics, &uninterrupted).unwrap_err();
        assert!(error.message.contains("three"), "{error}");
        let fails = || Err(Error::value("interrupted"));
        assert_eq!(
            parallel_for(8, &|_| Ok(()), &fails).unwrap_err().message,
            "interrupted"
        );
        // The pool still works.
        parallel_for(8, &|_| Ok(()), &uninterrupted).unwrap();
    }

    #[test]
    fn several_callers_share_the_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let total = AtomicUsize::new(0);
                        let add = |k: usize| {
                            total.fetch_add(k, Ordering::Relaxed);
                            Ok(())
                        };
                        parallel_for(20, &add, &uninterrupted).unwrap();
                        assert_eq!(total.into_inner(), 190);
                    }
                });
            }
        });
    }
}
