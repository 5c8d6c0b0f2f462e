//! Interrupts of work that goes through many hands: who starts it says how to look for one, and the
//! loops in it say that they go on.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::error::{Result, caught, throw};

/// Interrupts are looked for about this often.
#[cfg(not(test))]
pub const PATIENCE: Duration = Duration::from_millis(5);
/// Tests count the looks that could be.
#[cfg(test)]
pub const PATIENCE: Duration = Duration::ZERO;
/// Pieces of work between two looks at the clock: a piece is a few microseconds at most.
const UNWATCHED: u32 = 256;
/// Elements that a loop may go over between two looks at the clock, at a few nanoseconds each.
pub const STRETCH: usize = 1 << 16;

/// Looks for an interrupt; its error ends the work.
pub type Check = Rc<dyn Fn() -> Result<()>>;

thread_local! {
    static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) };
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
    static PIECES: Cell<u32> = const { Cell::new(0) };
    static STRUCK: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` on this thread so that `check` is called every few milliseconds: its error ends
/// `body`, wherever it is.
///
/// # Errors
/// Those of `body` and `check`; a panic in `body` is an internal error.
pub fn interruptible<R>(check: Check, body: impl FnOnce() -> Result<R>) -> Result<R> {
    let outer = CHECK.replace(Some(check));
    let result = caught(body);
    CHECK.replace(outer);
    result
}

/// One more small piece of work is done.
#[inline]
pub fn piece() {
    let pieces = PIECES.get().wrapping_add(1);
    PIECES.set(pieces);
    if pieces.is_multiple_of(UNWATCHED) {
        pause();
    }
}

/// So many more elements are done, of some operations each.
#[inline]
pub fn elements(count: usize) {
    const PIECE: usize = STRETCH / UNWATCHED as usize;
    let before = PIECES.get();
    let after = before.wrapping_add(1 + (count / PIECE).min(UNWATCHED as usize) as u32);
    PIECES.set(after);
    if before / UNWATCHED != after / UNWATCHED {
        pause();
    }
}

/// `0..count` in stretches, with a look for an interrupt after each: for loops over elements.
#[inline]
pub fn stretches(count: usize, length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).step_by(length).map(move |start| {
        if start > 0 {
            elements(length);
        }
        start..count.min(start + length)
    })
}

/// Looks for an interrupt now, if nobody did for a while; throws the error of the check.
#[cold]
pub fn pause() {
    if let Err(error) = look() {
        throw(error);
    }
}

fn look() -> Result<()> {
    let Some(check) = CHECK.with_borrow(Clone::clone) else {
        return Ok(());
    };
    let now = Instant::now();
    if LAST
        .get()
        .is_some_and(|last| now.saturating_duration_since(last) < PATIENCE)
    {
        return Ok(());
    }
    LAST.set(Some(now));
    let result = check();
    STRUCK.set(STRUCK.get() || result.is_err());
    result
}

/// Whether a check has ended work of this thread since this was last asked.
pub(crate) fn struck() -> bool {
    STRUCK.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn endless() -> Result<()> {
        loop {
            piece();
        }
    }

    #[test]
    fn an_endless_loop_ends() {
        let looks = Rc::new(Cell::new(0));
        let seen = looks.clone();
        let check = move || {
            seen.set(seen.get() + 1);
            if seen.get() < 3 {
                Ok(())
            } else {
                Err(Error::value("stop"))
            }
        };
        let error = interruptible(Rc::new(check), endless).unwrap_err();
        assert_eq!((error.message.as_str(), looks.get()), ("stop", 3));
        // Nobody is asked any more.
        (0..10 * UNWATCHED).for_each(|_| piece());
        pause();
        assert_eq!(looks.get(), 3);
    }

    #[test]
    fn an_inner_check_hides_the_outer_one_for_a_while() {
        let outer: Check = Rc::new(|| Err(Error::value("outer")));
        let result = interruptible(outer, || {
            let inner = interruptible(Rc::new(|| Err(Error::value("inner"))), endless);
            assert_eq!(inner.unwrap_err().message, "inner");
            endless()
        });
        assert_eq!(result.unwrap_err().message, "outer");
    }
}
