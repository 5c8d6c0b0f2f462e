//! The block program of an elementwise group: which values are blocks, and which lie in memory.

mod turns;

use hashbrown::HashMap;
use smallvec::SmallVec;

use turns::Turns;

use super::blocks::{Blocks, common_shape, gathered};
use super::draft::{GroupDraft, MapDraft, Source, Value};
use super::emit::{Emitter, kernels};
use super::step::{Address, BlockCode, BlockInstruction, Fill, Group, Operand, Stream};
use crate::array::DType;
use crate::error::{Error, Result};
use crate::ops::Fun;
use crate::ops::elementwise::{Kernel, sin_cos_kernel};

/// What the blocks of a group may take of the first-level cache, in bytes.
const CACHE: usize = 32 << 10;
/// The shortest and the longest block, in elements.
const SHORTEST: usize = 128;
const LONGEST: usize = 1024;

/// Where an instruction reads or writes.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Block(u32),
    Stream(u32),
    Strided(u32),
}

/// The program of a group; `rows` and the most of a strip where it runs in strips.
pub fn emit(
    emitter: &Emitter<'_>,
    draft: &GroupDraft,
    rows: Option<(usize, usize)>,
) -> Result<Group> {
    let turns = Turns::of(draft);
    let mut builder = Builder {
        emitter,
        draft,
        last_use: last_uses(emitter, draft, &turns),
        slots: vec![None; draft.nodes.len()],
        streams: vec![],
        stream_index: HashMap::new(),
        fills: vec![],
        fill_index: HashMap::new(),
        single_uses: match rows {
            None => single_uses(emitter, draft, &turns),
            Some(_) => HashMap::new(), // each strip starts at another element
        },
        strided: vec![],
        strided_index: HashMap::new(),
        blocks: 0,
        free: Default::default(),
        code: Vec::with_capacity(draft.nodes.len()),
    };
    for k in 0..draft.nodes.len() {
        match turns.second(k) {
            Some(second) => builder.sin_cos(k, second)?,
            None if turns.place(k) == k => builder.node(k)?,
            None => {}
        }
    }
    Ok(builder.finish(rows))
}

/// The place of the last node that uses each repeated element, in a group of one block: there
/// elements are repeated when they are needed. In longer groups they stay, repeated once.
fn single_uses(emitter: &Emitter<'_>, draft: &GroupDraft, turns: &Turns) -> HashMap<Stream, usize> {
    let mut uses = HashMap::new();
    if draft.len <= SHORTEST {
        for (k, node) in draft.nodes.iter().enumerate() {
            for &(value, dtype) in &node.operands {
                if let Some(stream) = single(emitter, value, dtype) {
                    let last = uses.entry(stream).or_insert(0);
                    *last = turns.place(k).max(*last);
                }
            }
        }
    }
    uses
}

/// The element that a value repeats.
fn single(emitter: &Emitter<'_>, value: Value, dtype: DType) -> Option<Stream> {
    let Value::View(k) = value else { return None };
    let spec = &emitter.draft.specs[k as usize];
    let repeats = spec.is_single() && !spec.layout.is_contiguous();
    repeats.then(|| Stream::new(emitter.operand(value, dtype).address, dtype.size()))
}

/// Repeats one element.
///
/// # Safety
/// The operand must be good for one element, `out` for `n`.
unsafe fn spread<T: Copy>(operands: &[*const u8], out: *mut u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        let value = operands[0].cast::<T>().read();
        for k in 0..n {
            out.cast::<T>().add(k).write(value);
        }
    }
}

fn size_class(dtype: DType) -> usize {
    dtype.size().ilog2() as usize
}

/// The place of the last node that uses each node of the group.
fn last_uses(emitter: &Emitter<'_>, draft: &GroupDraft, turns: &Turns) -> Vec<usize> {
    let mut last: Vec<usize> = (0..draft.nodes.len()).collect();
    for (k, node) in draft.nodes.iter().enumerate() {
        for &(value, _) in &node.operands {
            if let Some(local) = inside(emitter, draft, value) {
                let last = &mut last[local as usize];
                *last = turns.place(k).max(*last);
            }
        }
    }
    last
}

/// The place in the group of the node whose value this is.
fn inside(emitter: &Emitter<'_>, draft: &GroupDraft, value: Value) -> Option<u32> {
    let Value::View(k) = value else { return None };
    let spec = &emitter.draft.specs[k as usize];
    match emitter.draft.roots[spec.root as usize].source {
        Source::Group { local } => {
            let node = draft.nodes.get(local as usize)?;
            (spec.whole && node.root == spec.root).then_some(local)
        }
        _ => None,
    }
}

struct Instruction {
    node: BlockInstruction,
    /// And the place of a second result.
    operands: SmallVec<[Slot; 3]>,
    out: Slot,
}

struct Builder<'a> {
    emitter: &'a Emitter<'a>,
    draft: &'a GroupDraft,
    last_use: Vec<usize>,
    /// The slot of each node that is computed so far.
    slots: Vec<Option<Slot>>,
    streams: Vec<Stream>,
    stream_index: HashMap<Stream, u32>,
    fills: Vec<(Fill, Slot)>,
    /// Slots of repeated elements.
    fill_index: HashMap<Stream, Slot>,
    single_uses: HashMap<Stream, usize>,
    strided: Vec<Operand>,
    /// Strided operands by the number of the view.
    strided_index: HashMap<u32, u32>,
    blocks: u32,
    /// Blocks to be used again, by the size of what they held: a loop over elements may write one
    /// element where it has yet to read the next ones, if these lie in the same places.
    free: [Vec<u32>; 5],
    code: Vec<Instruction>,
}

impl Builder<'_> {
    fn node(&mut self, k: usize) -> Result<()> {
        let node = &self.draft.nodes[k];
        let kernels = kernels(node.fun, node.dtype, node.result)?;
        self.instruction(BlockCode::Fun(node.fun), kernels, &[k]);
        Ok(())
    }

    /// A sine and a cosine of one number, whichever comes first.
    fn sin_cos(&mut self, first: usize, second: usize) -> Result<()> {
        let MapDraft { fun, dtype, .. } = self.draft.nodes[first];
        let kernel = sin_cos_kernel(dtype)
            .ok_or_else(|| Error::internal(format!("no sin_cos kernel for {dtype}")))?;
        let (sine, cosine) = if fun == Fun::Sin {
            (first, second)
        } else {
            (second, first)
        };
        self.instruction(BlockCode::SinCos, [kernel; 2], &[sine, cosine]);
        Ok(())
    }

    /// Computes nodes of the same operands, which are released where the first of them is.
    fn instruction(&mut self, code: BlockCode, kernels: [Kernel; 2], results: &[usize]) {
        let draft = self.draft;
        let node = &draft.nodes[results[0]];
        let mut operands: SmallVec<[Slot; 3]> = (node.operands.iter())
            .map(|&(value, dtype)| self.operand(value, dtype))
            .collect();
        let mut outs = results.iter().map(|&k| self.out(k));
        let out = outs.next().expect("a result");
        operands.extend(outs);
        self.release(results.iter().copied().min().expect("a result"), node);
        self.code.push(Instruction {
            node: BlockInstruction {
                code,
                dtype: node.dtype,
                result: node.result,
                kernels,
                operands: [0; 3],
                arity: node.operands.len() as u8,
                out: 0,
            },
            operands,
            out,
        });
    }

    /// The slot for the value of a node. A result never shares a block with an operand: loops over one
    /// block twice would not vectorise.
    fn out(&mut self, k: usize) -> Slot {
        let MapDraft { root, result, .. } = self.draft.nodes[k];
        let slot = if self.emitter.draft.roots[root as usize].stored {
            self.stream(self.emitter.memory.root(root), result)
        } else {
            self.block(result)
        };
        self.slots[k] = Some(slot);
        slot
    }

    /// Frees the blocks of what is last used here.
    fn release(&mut self, k: usize, node: &MapDraft) {
        let mut ended: SmallVec<[u32; 3]> = SmallVec::new();
        for &(value, dtype) in &node.operands {
            if let Some(local) = inside(self.emitter, self.draft, value)
                && self.last_use[local as usize] == k
                && !ended.contains(&local)
            {
                ended.push(local);
                if let Some(Slot::Block(block)) = self.slots[local as usize] {
                    self.free[size_class(dtype)].push(block);
                }
            }
        }
        if self.single_uses.is_empty() {
            return;
        }
        for &(value, dtype) in &node.operands {
            if let Some(stream) = single(self.emitter, value, dtype)
                && self.single_uses.get(&stream) == Some(&k)
                && let Some(Slot::Block(block)) = self.fill_index.remove(&stream)
            {
                self.free[size_class(dtype)].push(block);
            }
        }
    }

    fn block(&mut self, dtype: DType) -> Slot {
        Slot::Block(
            self.free[size_class(dtype)]
                .pop()
                .unwrap_or_else(|| self.permanent()),
        )
    }

    /// A block that is never reused.
    fn permanent(&mut self) -> u32 {
        self.blocks += 1;
        self.blocks - 1
    }

    fn stream(&mut self, address: Address, dtype: DType) -> Slot {
        let stream = Stream::new(address, dtype.size());
        let next = self.streams.len() as u32;
        let index = *self.stream_index.entry(stream).or_insert(next);
        if index == next {
            self.streams.push(stream);
        }
        Slot::Stream(index)
    }

    fn operand(&mut self, value: Value, dtype: DType) -> Slot {
        if let Some(local) = inside(self.emitter, self.draft, value) {
            return self.slots[local as usize].expect("operands come first");
        }
        let Value::View(k) = value else {
            unreachable!("operands of a group are arrays")
        };
        let spec = &self.emitter.draft.specs[k as usize];
        let operand = self.emitter.operand(value, dtype);
        if spec.layout.is_contiguous() {
            return self.stream(operand.address, dtype);
        }
        if let Some(single) = single(self.emitter, value, dtype) {
            return self.fill(single, dtype);
        }
        let next = self.strided.len() as u32;
        let index = *self.strided_index.entry(k).or_insert(next);
        if index == next {
            self.strided.push(operand);
        }
        Slot::Strided(index)
    }

    fn fill(&mut self, single: Stream, dtype: DType) -> Slot {
        if let Some(&slot) = self.fill_index.get(&single) {
            return slot;
        }
        let slot = if self.single_uses.is_empty() {
            let slot = Slot::Block(self.permanent());
            self.fills.push((
                Fill {
                    address: single.address(),
                    size: single.size,
                    slot: 0,
                },
                slot,
            ));
            slot
        } else {
            let source = self.stream(single.address(), dtype);
            let slot = self.block(dtype);
            let kernel: Kernel = match single.size {
                1 => spread::<u8>,
                4 => spread::<u32>,
                8 => spread::<u64>,
                _ => spread::<u128>,
            };
            let node = BlockInstruction {
                code: BlockCode::Repeat,
                dtype,
                result: dtype,
                kernels: [kernel; 2],
                operands: [0; 3],
                arity: 1,
                out: 0,
            };
            self.code.push(Instruction {
                node,
                operands: [source].into_iter().collect(),
                out: slot,
            });
            slot
        };
        self.fill_index.insert(single, slot);
        slot
    }

    fn finish(self, rows: Option<(usize, usize)>) -> Group {
        let (scratch, streams) = (self.blocks, self.streams.len() as u32);
        let lines = scratch as usize + self.streams.len() + self.strided.len();
        let most = (CACHE / (8 * lines.max(1)) / 64 * 64).clamp(SHORTEST, LONGEST);
        let (shape, fits) = common_shape(self.draft.len, rows.map(|r| r.0), &self.strided);
        let blocks = Blocks::new(&shape, rows.map(|r| r.1), most);
        let mut order: Vec<u32> = vec![0; fits.len()];
        let (mut readers, mut odd) = (vec![], vec![]);
        let regular = fits.iter().filter(|&&fit| fit).count() as u32;
        for ((operand, fit), place) in self.strided.into_iter().zip(fits).zip(&mut order) {
            if fit {
                *place = readers.len() as u32;
                readers.push(gathered(&operand, &shape, &blocks));
            } else {
                *place = regular + odd.len() as u32;
                odd.push(operand);
            }
        }
        let index = |slot: Slot| match slot {
            Slot::Block(b) => b,
            Slot::Stream(s) => scratch + s,
            Slot::Strided(s) => scratch + streams + order[s as usize],
        };
        let instruction = |i: Instruction| {
            let mut node = i.node;
            for (to, &from) in node.operands.iter_mut().zip(&i.operands) {
                *to = index(from);
            }
            node.out = index(i.out);
            node
        };
        let fill = |(fill, slot): (Fill, Slot)| Fill {
            slot: index(slot),
            ..fill
        };
        Group {
            number: self.emitter.groups.replace(self.emitter.groups.get() + 1),
            len: self.draft.len,
            blocks,
            scratch: scratch as usize,
            fills: self.fills.into_iter().map(fill).collect(),
            readers,
            odd,
            code: self.code.into_iter().map(instruction).collect(),
            streams: self.streams,
        }
    }
}
