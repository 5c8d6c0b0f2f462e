//! Runs fused groups: block after block, the values of a block staying in cache.

use std::cell::Cell;

use smallvec::SmallVec;

use super::frame::Frame;
use super::lanes::Source;
use super::pool;
use crate::array::Buffer;
use crate::error::Result;
use crate::plan::{BlockInstruction, Fill, Group};

/// Elementwise operations worth handing to another thread.
const TASK: usize = 1 << 17;
/// What is between two blocks beside their elements: loads and stores to equal offsets in
/// different pages look like conflicts to the processor.
const PAD: usize = 128;
/// Blocks of this many elements are kept apart.
const PADDED: usize = 256;

/// Runs a group, on several threads where that pays; `between` is called by this thread.
pub fn run(
    group: &Group,
    frame: &Frame,
    exact: bool,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    let weight = group.code.len() + group.readers.len();
    let blocks = (TASK / weight.max(1)).div_ceil(group.block).max(1);
    let chunk = blocks * group.block;
    if group.len <= 2 * chunk {
        run_range(group, frame, exact, 0, group.len);
        return between_if_large(group.len * weight, between);
    }
    let task = |k: usize| {
        run_range(
            group,
            frame,
            exact,
            k * chunk,
            group.len.min((k + 1) * chunk),
        );
        Ok(())
    };
    pool::parallel_for(group.len.div_ceil(chunk), &task, between)
}

/// The clock is not worth looking at after a few elements.
fn between_if_large(work: usize, between: &dyn Fn() -> Result<()>) -> Result<()> {
    if work > TASK / 4 { between() } else { Ok(()) }
}

thread_local! {
    /// The blocks of this thread, with their size in bytes.
    static BLOCKS: Cell<Option<(usize, Buffer)>> = const { Cell::new(None) };
}

/// Calls `body` with memory for `bytes` bytes that this thread keeps.
fn with_blocks(bytes: usize, body: impl FnOnce(*mut u8)) {
    let kept = BLOCKS.take().filter(|(size, _)| *size >= bytes);
    let (size, buffer) = kept.unwrap_or_else(|| (bytes, Buffer::new(bytes)));
    if cfg!(debug_assertions) {
        // SAFETY: the buffer has this many bytes.
        unsafe { std::ptr::write_bytes(buffer.ptr(), 0xff, bytes) }
    }
    body(buffer.ptr());
    BLOCKS.set(Some((size, buffer)));
}

/// The elements `from..to` of a group.
fn run_range(group: &Group, frame: &Frame, exact: bool, from: usize, to: usize) {
    if from == to {
        return;
    }
    let stride = group.block * 8 + if group.block < PADDED { 0 } else { PAD };
    with_blocks(group.blocks * stride, |memory| {
        let mut slots: SmallVec<[*mut u8; 32]> = (0..group.blocks)
            .map(|k| memory.wrapping_add(k * stride))
            .collect();
        slots.extend(group.streams.iter().map(|s| {
            frame
                .resolve(s.address)
                .wrapping_add(from * s.size as usize)
        }));
        for fill in &group.fills {
            // SAFETY: a slot has room for a block of any dtype; the address names one element.
            unsafe {
                repeat(
                    fill,
                    frame,
                    slots[fill.slot as usize],
                    group.block.min(to - from),
                );
            }
        }
        let mut readers: SmallVec<[(Source, u32); 4]> = group
            .readers
            .iter()
            .map(|g| (Source::new(&frame.view(&g.operand), from), g.slot))
            .collect();
        let mut start = from;
        while start < to {
            let count = group.block.min(to - start);
            for (reader, slot) in &mut readers {
                reader.fill(count, slots[*slot as usize]);
            }
            // SAFETY: blocks have room for `count` elements; streams go on as long as the group.
            unsafe { block(&group.code, &slots, count, usize::from(exact)) }
            for (slot, stream) in slots[group.blocks..].iter_mut().zip(&group.streams) {
                *slot = slot.wrapping_add(count * stream.size as usize);
            }
            start += count;
        }
    });
}

/// # Safety
/// Every slot must be good for `count` elements.
#[inline(always)]
unsafe fn block(code: &[BlockInstruction], slots: &[*mut u8], count: usize, kernel: usize) {
    for instruction in code {
        let operands = instruction.operands.map(|k| slots[k as usize].cast_const());
        // SAFETY: the caller's contract.
        unsafe {
            instruction.kernels[kernel](
                &operands[..instruction.arity as usize],
                slots[instruction.out as usize],
                count,
            );
        }
    }
}

/// # Safety
/// The address must name an element, `target` have room for `count` of them.
unsafe fn repeat(fill: &Fill, frame: &Frame, target: *mut u8, count: usize) {
    let source = frame.resolve(fill.address);
    // SAFETY: the caller's contract.
    unsafe {
        match fill.size {
            1 => target.write_bytes(source.read(), count),
            4 => std::slice::from_raw_parts_mut(target.cast::<u32>(), count)
                .fill(source.cast::<u32>().read()),
            _ => std::slice::from_raw_parts_mut(target.cast::<u64>(), count)
                .fill(source.cast::<u64>().read()),
        }
    }
}
