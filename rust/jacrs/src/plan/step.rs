//! What a plan is made of: addresses that a run resolves, and the three kinds of steps.

use std::fmt;

use smallvec::SmallVec;

use super::blocks::Blocks;
use crate::array::{DType, Layout, Strides};
use crate::ops::{Call, Fun, elementwise::Kernel};

/// The arena of a run: constants, then registers, then buffers.
pub const ARENA: u32 = 0;

/// The memory of a strip, in the steps of [`Strips`].
pub const STRIP: u32 = u32::MAX;

/// A place in memory, as an offset from one of the bases of a run: the arena, then the inputs, then
/// the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub base: u32,
    /// In bytes.
    pub offset: isize,
}

/// A strided array in the memory of a run.
#[derive(Clone, Debug)]
pub struct Operand {
    pub address: Address,
    pub dtype: DType,
    pub layout: Layout,
}

/// One entry of the schedule.
pub enum Step {
    Tape(Tape),
    Group(Group),
    Kernel(Box<KernelStep>),
    Strips(Box<Strips>),
}

/// Steps that run together on some rows of their arrays, then on the next: a row is what lies at one
/// index of the first axis.
pub struct Strips {
    pub rows: usize,
    /// The rows are halved this often.
    pub depth: u32,
    /// Memory that each strip under way needs.
    pub bytes: usize,
    pub steps: Vec<StripStep>,
}

impl Strips {
    /// Elements that the steps compute, read for a sum or a product, or move.
    pub fn work(&self) -> u64 {
        let each = self.steps.iter().map(|step| match step {
            StripStep::Group(group) => group.work(),
            StripStep::Kernel(kernel) | StripStep::Total(kernel, _) => kernel.work,
        });
        each.fold(0, u64::saturating_add)
    }
}

pub enum StripStep {
    Group(Group),
    /// The rows are the first axis of operands and result.
    Kernel(Box<KernelStep>),
    /// A reduction over the rows; each strip has a result of its own at this address, one after the
    /// other.
    Total(Box<KernelStep>, Address),
}

impl Step {
    pub fn tape(&self) -> Option<&Tape> {
        match self {
            Step::Tape(tape) => Some(tape),
            _ => None,
        }
    }

    /// The memory of one strip.
    pub fn strip_bytes(&self) -> usize {
        match self {
            Step::Strips(strips) => strips.bytes,
            _ => 0,
        }
    }
}

/// Operations on single numbers, one after the other, over a file of 64-bit registers.
pub struct Tape {
    pub code: Vec<Instruction>,
    /// The kernels that instructions name, as run plainly and as run with guarded products.
    pub kernels: Vec<[Kernel; 2]>,
    /// Areas that are zeroed before items are put into them, with their bytes.
    pub zeros: Vec<(Address, usize)>,
}

/// One instruction of a tape; what the fields mean depends on the code.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    pub code: Code,
    pub out: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A function of float64 registers (of bits, for a selection): `out = fun(a, b, c)`.
    Fun(Fun),
    /// The sine and the cosine of `a`, to `out` and `b`.
    SinCos,
    /// A product that is guarded in an exact run.
    Guarded,
    /// Kernel `c` on the single elements `a` and `b`, for every other dtype.
    Kernel,
    /// Register `out` from `base a` at the 64-bit offset `b, c`.
    Load1,
    Load4,
    Load8,
    /// Register `out` to `base a` at the 64-bit offset `b, c`.
    Store1,
    Store4,
    Store8,
    /// Zeros to area `c` of the tape's list.
    Zero,
}

impl Instruction {
    /// An access to memory; the offset is split over two fields.
    pub fn memory(code: Code, register: u32, address: Address) -> Self {
        let bits = address.offset as u64;
        Self {
            code,
            out: register,
            a: address.base,
            b: bits as u32,
            c: (bits >> 32) as u32,
        }
    }

    pub fn address(&self) -> Address {
        Address {
            base: self.a,
            offset: (u64::from(self.c) << 32 | u64::from(self.b)) as isize,
        }
    }
}

/// Elementwise operations over the same number of elements, run block by block. Nothing in here
/// is about one processor: a slot is a value of the group, a block is how much of it is at hand.
pub struct Group {
    /// How many groups the plan has before this one.
    pub number: u32,
    /// Elements in all.
    pub len: usize,
    pub blocks: Blocks,
    /// Slots `0..scratch` are memory for a block each; the slots after them are `streams`, then
    /// `readers`, then `odd`.
    pub scratch: usize,
    /// Values that lie contiguously in memory, read or written in place.
    pub streams: Vec<Stream>,
    /// Slots that hold one element, repeated.
    pub fills: Vec<Fill>,
    /// Operands that do not lie contiguously.
    pub readers: Vec<Gathered>,
    /// Operands whose shape does not go with the blocks.
    pub odd: Vec<Operand>,
    pub code: Vec<BlockInstruction>,
}

impl Group {
    /// Elements that it computes.
    pub fn work(&self) -> u64 {
        let seconds = self.code.iter().filter_map(BlockInstruction::aside).count();
        let results = self.code.len() + seconds;
        (self.len as u64).saturating_mul(results as u64)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    // An address, but packed: programs of many small arrays have a stream for nearly every node.
    base: u32,
    /// Bytes of an element.
    pub size: u32,
    offset: isize,
}

impl Stream {
    pub fn new(address: Address, size: usize) -> Self {
        let Address { base, offset } = address;
        let size = size as u32;
        Self { base, size, offset }
    }

    pub fn address(self) -> Address {
        let Self { base, offset, .. } = self;
        Address { base, offset }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Fill {
    pub address: Address,
    pub size: u32,
    pub slot: u32,
}

/// An operand that is read block by block.
pub struct Gathered {
    pub address: Address,
    /// Bytes of an element.
    pub size: u32,
    /// Strides on the axes that blocks are cut from, in elements.
    pub outer: Strides,
    /// How its elements lie at one index of those axes, where they have to be gathered; else a block
    /// of it is read in place.
    pub rows: Option<Rows>,
}

/// Rows of equal length.
pub struct Rows {
    /// Where each starts, in elements.
    pub starts: Vec<isize>,
    pub length: usize,
    /// From one element to the next.
    pub step: isize,
}

/// What an instruction of a group computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockCode {
    Fun(Fun),
    /// `out` and the slot after the operand become the sine and the cosine of that.
    SinCos,
    /// An element is only repeated.
    Repeat,
}

/// One kernel over one block.
#[derive(Clone, Copy)]
pub struct BlockInstruction {
    pub code: BlockCode,
    /// Of the last operand, and of the result.
    pub dtype: DType,
    pub result: DType,
    /// As run plainly, and as run with guarded products.
    pub kernels: [Kernel; 2],
    /// The operands, then the place of a second result.
    pub operands: [u32; 3],
    pub arity: u8,
    pub out: u32,
}

impl BlockInstruction {
    pub fn reads(&self) -> &[u32] {
        &self.operands[..usize::from(self.arity)]
    }

    /// The slot of a second result.
    pub fn aside(&self) -> Option<u32> {
        (self.code == BlockCode::SinCos).then(|| self.operands[usize::from(self.arity)])
    }

    /// The slots that it reads or writes.
    pub fn slots(&self) -> impl Iterator<Item = u32> {
        let results = [Some(self.out), self.aside()];
        self.reads()
            .iter()
            .copied()
            .chain(results.into_iter().flatten())
    }
}

impl fmt::Display for BlockCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BlockCode::Fun(fun) => fun.name(),
            BlockCode::SinCos => "sin_cos",
            BlockCode::Repeat => "repeat",
        })
    }
}

/// Any other operation.
pub struct KernelStep {
    /// As run plainly, and as run with guarded products.
    pub calls: [Call; 2],
    pub operands: SmallVec<[Operand; 3]>,
    pub out: Operand,
    /// The first operand is copied to the result before the kernel changes it.
    pub copies_first: bool,
    /// Elements read and written, as a measure of time.
    pub work: u64,
}
