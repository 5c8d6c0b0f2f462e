//! Runs fused groups: block after block, the values of a block staying in cache.

use std::cell::Cell;

use smallvec::SmallVec;

use super::frame::Frame;
use super::gather::Gather;
use super::pass::Pass;
use super::pool;
use crate::array::Buffer;
use crate::error::Result;
use crate::ops::elementwise::Reader;
#[cfg(target_arch = "x86_64")]
use crate::plan::native::{Native, Piece, Program};
use crate::plan::{BlockInstruction, Fill, Gathered, Group, STRIP, Span, Stream};
use crate::simd::vectorised;

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
    pass: Pass<'_>,
    between: &dyn Fn() -> Result<()>,
) -> Result<()> {
    if group.len == 0 {
        return Ok(());
    }
    let weight = group.code.len() + group.readers.len() + group.odd.len();
    let blocks = group.blocks.count();
    let at_once = (TASK / weight.max(1))
        .div_ceil(group.blocks.longest())
        .max(1);
    if blocks <= 2 * at_once {
        run_span(group, frame, pass, &group.blocks.span(0..blocks));
        return between_if_large(group.len * weight, between);
    }
    let task = |k: usize| {
        let first = k * at_once;
        let range = first..blocks.min(first + at_once);
        run_span(group, frame, pass, &group.blocks.span(range));
        Ok(())
    };
    pool::parallel_for(blocks.div_ceil(at_once), &task, between)
}

/// The clock is not worth looking at after a few elements.
fn between_if_large(work: usize, between: &dyn Fn() -> Result<()>) -> Result<()> {
    if work > TASK / 4 { between() } else { Ok(()) }
}

thread_local! {
    /// The blocks of this thread, with their size in bytes.
    static BLOCKS: Cell<Option<(usize, Buffer)>> = const { Cell::new(None) };
    /// Where the slots of a group are.
    static SLOTS: Cell<Vec<*mut u8>> = const { Cell::new(vec![]) };
}

/// Calls `body` with memory for `bytes` bytes, and an empty list, that this thread keeps.
fn with_blocks(bytes: usize, body: impl FnOnce(*mut u8, &mut Vec<*mut u8>)) {
    let kept = BLOCKS.take().filter(|(size, _)| *size >= bytes);
    let (size, buffer) = kept.unwrap_or_else(|| (bytes, Buffer::new(bytes)));
    if cfg!(debug_assertions) {
        // SAFETY: the buffer has this many bytes.
        unsafe { std::ptr::write_bytes(buffer.ptr(), 0xff, bytes) }
    }
    let mut slots = SLOTS.take();
    slots.clear();
    body(buffer.ptr(), &mut slots);
    SLOTS.set(slots);
    BLOCKS.set(Some((size, buffer)));
}

/// Some of the blocks of a group.
pub fn run_span(group: &Group, frame: &Frame, pass: Pass<'_>, span: &Span) {
    if span.count == 0 {
        return;
    }
    let longest = group.blocks.longest();
    let stride = longest * 8 + if longest < PADDED { 0 } else { PAD };
    let gathered = group.readers.len() + group.odd.len();
    with_blocks((group.scratch + gathered) * stride, |memory, slots| {
        let mut index = span.start.clone();
        let start = group.blocks.element(&index);
        // In the memory of a strip nothing lies before it.
        let skipped = |base: u32| if base == STRIP { 0 } else { start };
        slots.extend((0..group.scratch).map(|k| memory.wrapping_add(k * stride)));
        let stream = |s: &Stream| {
            let before = skipped(s.address().base) * s.size as usize;
            frame.resolve(s.address()).wrapping_add(before)
        };
        slots.extend(group.streams.iter().map(stream));
        let code = Code::of(group, pass);
        for fill in &group.fills {
            let slot = &mut slots[fill.slot as usize];
            if code.takes_one(fill.slot) {
                *slot = frame.resolve(fill.address);
                continue;
            }
            // SAFETY: a slot has room for a block of any dtype; the address names one element.
            unsafe { repeat(fill, frame, *slot, longest) }
        }
        if code.is_streaming() {
            // SAFETY: the elements of all blocks lie side by side in all streams.
            unsafe { code.block(slots, span.elements(&group.blocks)) }
            return;
        }
        let first = slots.len();
        slots.extend(
            (group.scratch..group.scratch + gathered).map(|k| memory.wrapping_add(k * stride)),
        );
        let mut readers: SmallVec<[Reading; 4]> = (group.readers.iter().zip(&slots[first..]))
            .map(|(reader, &block)| Reading::new(reader, frame, block, span.origin))
            .collect();
        let mut odd: SmallVec<[Reader; 2]> = (group.odd.iter())
            .map(|x| Reader::starting_at(&frame.view(x), skipped(x.address.base)))
            .collect();
        for _ in 0..span.count {
            let taken = span.taken(&group.blocks, &index);
            let count = taken * group.blocks.inner;
            let (regular, others) = slots[first..].split_at_mut(readers.len());
            for (reading, slot) in readers.iter_mut().zip(regular) {
                *slot = reading.block(&index, taken);
            }
            for (reader, slot) in odd.iter_mut().zip(others) {
                reader.next(count, *slot);
            }
            // SAFETY: blocks have room for `count` elements; streams go on as long as the group.
            unsafe { code.block(slots, count) }
            for (slot, stream) in slots[group.scratch..].iter_mut().zip(&group.streams) {
                *slot = slot.wrapping_add(count * stream.size as usize);
            }
            group.blocks.advance(&mut index);
        }
    });
}

/// A strided operand while it is read.
struct Reading<'a> {
    reader: &'a Gathered,
    base: *mut u8,
    /// Memory for a block, and what was gathered there last: from where, and of how many indices.
    block: *mut u8,
    last: (*mut u8, usize),
}

impl<'a> Reading<'a> {
    fn new(reader: &'a Gathered, frame: &Frame, block: *mut u8, origin: usize) -> Self {
        let mut base = frame.resolve(reader.address);
        if reader.address.base == STRIP {
            let before = origin as isize * reader.outer[0] * reader.size as isize;
            base = base.wrapping_offset(-before);
        }
        Self {
            reader,
            base,
            block,
            last: (std::ptr::null_mut(), 0),
        }
    }

    /// Where the elements of a block lie side by side.
    fn block(&mut self, index: &[usize], count: usize) -> *mut u8 {
        let Gathered {
            size, outer, rows, ..
        } = self.reader;
        let at = (index.iter().zip(outer)).map(|(&i, &stride)| i as isize * stride);
        let from = self
            .base
            .wrapping_offset(at.sum::<isize>() * *size as isize);
        let Some(rows) = rows else { return from };
        if self.last.0 != from || self.last.1 < count {
            vectorised(Gather {
                from,
                to: self.block,
                size: *size as usize,
                count,
                along: outer[outer.len() - 1],
                rows,
            });
            self.last = (from, count);
        }
        self.block
    }
}

/// What is done with each block of a group.
struct Code<'a> {
    all: &'a [BlockInstruction],
    /// Which kernels: the plain ones or the guarded.
    kernel: usize,
    #[cfg(target_arch = "x86_64")]
    native: Option<(&'a Native, &'a Program)>,
}

impl<'a> Code<'a> {
    fn of(group: &'a Group, pass: Pass<'a>) -> Self {
        #[cfg(target_arch = "x86_64")]
        let native = pass.native;
        Self {
            all: &group.code,
            kernel: usize::from(pass.exact),
            #[cfg(target_arch = "x86_64")]
            native: native.and_then(|native| Some((native, native.program(group)?))),
        }
    }

    /// Who reads this slot reads one element, however long the block.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(unused_variables, clippy::unused_self)
    )]
    fn takes_one(&self, slot: u32) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some((_, program)) = self.native {
            return program.repeated[slot as usize];
        }
        false
    }

    /// No block is too long for it.
    #[cfg_attr(not(target_arch = "x86_64"), allow(clippy::unused_self))]
    fn is_streaming(&self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some((_, program)) = self.native {
            return program.streaming;
        }
        false
    }

    /// # Safety
    /// Every slot must be good for `count` elements.
    #[inline(always)]
    unsafe fn block(&self, slots: &[*mut u8], count: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some((native, program)) = self.native {
            for piece in &program.pieces {
                // SAFETY: the caller's contract.
                unsafe {
                    match piece {
                        Piece::Loop(start) => native.run_loop(*start, slots.as_ptr(), count),
                        Piece::Kernels(code) => self.kernels(code, slots, count),
                    }
                }
            }
            return;
        }
        // SAFETY: the caller's contract.
        unsafe { self.kernels(self.all, slots, count) }
    }

    /// # Safety
    /// Every slot must be good for `count` elements.
    #[inline(always)]
    unsafe fn kernels(&self, code: &[BlockInstruction], slots: &[*mut u8], count: usize) {
        for instruction in code {
            let operands = instruction.operands.map(|k| slots[k as usize].cast_const());
            // SAFETY: the caller's contract.
            unsafe {
                instruction.kernels[self.kernel](&operands, slots[instruction.out as usize], count);
            }
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
