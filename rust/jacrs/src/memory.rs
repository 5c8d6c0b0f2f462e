//! How much memory there is, asked before much of it is taken.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Result, text, throw};

/// Below this nobody is asked.
const UNQUESTIONED: usize = 64 << 20;
const UNSET: u64 = u64::MAX;
static LIMIT: AtomicU64 = AtomicU64::new(UNSET);

/// Limits what one run may allocate; `None` goes back to the memory at hand.
pub fn set_memory_limit(bytes: Option<u64>) {
    LIMIT.store(bytes.unwrap_or(UNSET), Ordering::Relaxed);
}

/// What one run may allocate: the limit that was set, else what the control group and the machine
/// have left. `None` where nothing is known.
pub fn memory_limit() -> Option<u64> {
    match LIMIT.load(Ordering::Relaxed) {
        UNSET => [machine(), control_group()].into_iter().flatten().min(),
        bytes => Some(bytes),
    }
}

/// An error of kind [`Kind::Memory`](crate::error::Kind::Memory) if `bytes` more bytes are too many;
/// `what` names them.
pub fn check_memory(bytes: usize, what: impl FnOnce() -> String) -> Result<()> {
    if bytes < UNQUESTIONED && LIMIT.load(Ordering::Relaxed) == UNSET {
        return Ok(());
    }
    within(bytes, memory_limit(), what)
}

/// An empty list with room for so many elements: for lists as long as arrays.
pub fn list_for<T>(elements: usize) -> Vec<T> {
    let mut list = Vec::new();
    if list.try_reserve_exact(elements).is_err() {
        exhausted(elements.saturating_mul(size_of::<T>()));
    }
    list
}

/// Ends the work under way because memory for so many bytes was refused by the system.
#[cold]
pub fn exhausted(bytes: usize) -> ! {
    throw(text::exhausted(bytes))
}

fn within(bytes: usize, limit: Option<u64>, what: impl FnOnce() -> String) -> Result<()> {
    match limit {
        Some(limit) if bytes as u64 > limit => Err(text::too_large(&what(), bytes, limit)),
        _ => Ok(()),
    }
}

/// `MemAvailable` of the kernel.
fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// What is left of the limit of this control group, version 2 or 1. Page cache counts as used there
/// but is given back on demand, so only anonymous memory is subtracted where it is known.
fn control_group() -> Option<u64> {
    let number = |path: &str| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    };
    let stat = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines()
            .find_map(|l| l.strip_prefix(key)?.trim().parse::<u64>().ok())
    };
    let v2 = "/sys/fs/cgroup";
    if let Some(limit) = number(&format!("{v2}/memory.max")) {
        let used = stat(&format!("{v2}/memory.stat"), "anon ")
            .or_else(|| number(&format!("{v2}/memory.current")));
        return Some(limit.saturating_sub(used?));
    }
    let v1 = "/sys/fs/cgroup/memory";
    let limit = number(&format!("{v1}/memory.limit_in_bytes"))?;
    let used = stat(&format!("{v1}/memory.stat"), "total_rss ")
        .or_else(|| number(&format!("{v1}/memory.usage_in_bytes")))?;
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn small_requests_are_never_refused_by_default() {
        assert!(check_memory(1 << 10, || unreachable!()).is_ok());
    }

    #[test]
    fn refusals_name_what_is_too_large() {
        let error = within(100, Some(99), || "the scratch of f".into()).unwrap_err();
        assert_eq!(error.kind, Kind::Memory);
        assert!(
            error
                .message
                .starts_with("the scratch of f would take 100 bytes"),
            "{error}"
        );
        assert!(within(100, None, || unreachable!()).is_ok());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_has_memory() {
        assert!(machine().is_some_and(|bytes| bytes > 0));
    }
}
