//! Panels: where seeds go, and where what they give belongs.

use std::fmt;

use super::{Mode, block_shape};
use crate::array::{Buffer, DType, Out, product};
use crate::error::{Error, Result, text};
use crate::ir::Type;
use crate::plan::{after, aligned};

/// A leaf with a lane axis.
struct Leaf {
    /// The type of its panel.
    panel: Type,
    /// The type of the leaf itself.
    kind: Type,
    size: usize,
    /// Where its panel lies in the memory of a panel, in bytes.
    offset: usize,
    /// The number of its first seed, over all seeded leaves.
    first: usize,
}

/// The seeds of a Jacobian in groups of `width`.
pub struct Panels {
    mode: Mode,
    width: usize,
    seeded: Vec<Leaf>,
    swept: Vec<Leaf>,
    seeds: usize,
    bytes: usize,
}

impl Panels {
    pub fn new(mode: Mode, width: usize, seeded: Vec<Type>, swept: Vec<Type>) -> Result<Self> {
        let (mut bytes, mut seeds) = (0, 0);
        let mut leaf = |panel: Type| {
            let mut kind = panel.clone();
            if width == 0 || kind.shape.pop() != Some(width) || !kind.dtype.is_float() {
                return Err(Error::internal(format!(
                    "{panel:?} is no panel of {width} lanes"
                )));
            }
            let (offset, size) = (bytes, product(&kind.shape));
            bytes = after(bytes, aligned(product(&panel.shape) * panel.dtype.size()));
            Ok(Leaf {
                panel,
                kind,
                size,
                offset,
                first: 0,
            })
        };
        let mut seeded: Vec<Leaf> = seeded.into_iter().map(&mut leaf).collect::<Result<_>>()?;
        let swept = swept.into_iter().map(&mut leaf).collect::<Result<_>>()?;
        for leaf in &mut seeded {
            leaf.first = seeds;
            seeds += leaf.size;
        }
        Ok(Self {
            mode,
            width,
            seeded,
            swept,
            seeds,
            bytes,
        })
    }

    pub fn count(&self) -> usize {
        self.seeds.div_ceil(self.width)
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of the panels of one run.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn values(&self) -> &[Leaf] {
        if self.mode == Mode::Forward {
            &self.swept
        } else {
            &self.seeded
        }
    }

    fn inputs(&self) -> &[Leaf] {
        if self.mode == Mode::Forward {
            &self.seeded
        } else {
            &self.swept
        }
    }

    /// Blocks have the shapes of values followed by those of inputs, and the dtype of what is swept.
    pub fn validate(&self, blocks: &[Out]) -> Result<()> {
        let (values, inputs) = (self.values(), self.inputs());
        if blocks.len() != values.len() * inputs.len() {
            let expected = values.len() * inputs.len();
            return Err(text::wrong_block_count(expected, blocks.len()));
        }
        for (k, block) in blocks.iter().enumerate() {
            let (i, j) = (k / inputs.len(), k % inputs.len());
            let shape = block_shape(&values[i].kind, &inputs[j].kind);
            let dtype = if self.mode == Mode::Forward {
                values[i].kind.dtype
            } else {
                inputs[j].kind.dtype
            };
            if block.dtype != dtype {
                return Err(text::wrong_block_dtype((i, j), block.dtype, dtype));
            }
            if block.shape != shape {
                return Err(text::wrong_block_shape((i, j), &block.shape, &shape));
            }
        }
        Ok(())
    }

    /// Zeros in all seed panels.
    pub fn clear(&self, memory: &Buffer) {
        // SAFETY: the memory of a panel has this many bytes.
        unsafe { memory.ptr().write_bytes(0, self.bytes) }
    }

    /// Writes `value` where panel `k` has its ones.
    pub fn seed(&self, memory: &Buffer, k: usize, value: f64) {
        for (lane, seed) in (k * self.width..self.seeds.min((k + 1) * self.width)).enumerate() {
            let leaf = self.owner(seed);
            let at = (seed - leaf.first) * self.width + lane;
            // SAFETY: the seed is inside its leaf, the lane inside the panel.
            unsafe {
                let panel = memory.ptr().add(leaf.offset);
                match leaf.panel.dtype {
                    DType::F32 => panel.cast::<f32>().add(at).write(value as f32),
                    _ => panel.cast::<f64>().add(at).write(value),
                }
            }
        }
    }

    /// The leaf that a seed belongs to: the last that starts at or before it (empty leaves own none).
    fn owner(&self, seed: usize) -> &Leaf {
        &self.seeded[self.seeded.partition_point(|leaf| leaf.first <= seed) - 1]
    }

    /// Where the seed panels lie in the memory of a panel.
    pub fn seeded_offsets(&self) -> impl Iterator<Item = usize> {
        self.seeded.iter().map(|leaf| leaf.offset)
    }

    /// Where the swept panels lie.
    pub fn swept_offsets(&self) -> impl Iterator<Item = usize> {
        self.swept.iter().map(|leaf| leaf.offset)
    }

    /// Copies the swept panels of panel `k` to their places in the blocks.
    ///
    /// # Safety
    /// The blocks must have the types of [`Panels::validate`], and no other thread may handle this panel.
    pub unsafe fn scatter(&self, memory: &Buffer, k: usize, blocks: &[*mut u8]) {
        let mut seed = k * self.width;
        let end = self.seeds.min(seed + self.width);
        while seed < end {
            // Consecutive seeds of one leaf are consecutive lanes, and columns or rows of one block.
            let leaf = self.owner(seed);
            let j = self.seeded.partition_point(|l| l.first <= seed) - 1;
            let stop = end.min(leaf.first + leaf.size);
            let lanes = (seed - k * self.width, stop - seed);
            for (i, swept) in self.swept.iter().enumerate() {
                let (row, column) = if self.mode == Mode::Forward {
                    (i, j)
                } else {
                    (j, i)
                };
                let block = blocks[row * self.inputs().len() + column];
                let panel = memory.ptr().wrapping_add(swept.offset);
                // SAFETY: the caller's contract; lanes and seeds stay inside panel and block.
                unsafe {
                    match (self.mode, swept.panel.dtype.size()) {
                        (Mode::Forward, 4) => {
                            self.columns::<u32>(panel, block, swept, leaf, seed, lanes);
                        }
                        (Mode::Forward, _) => {
                            self.columns::<u64>(panel, block, swept, leaf, seed, lanes);
                        }
                        (Mode::Reverse, 4) => {
                            self.rows::<u32>(panel, block, swept, leaf, seed, lanes);
                        }
                        (Mode::Reverse, _) => {
                            self.rows::<u64>(panel, block, swept, leaf, seed, lanes);
                        }
                    }
                }
            }
            seed = stop;
        }
    }

    /// Lanes become columns of a block: one short run for each row.
    unsafe fn columns<T: Copy>(
        &self,
        panel: *const u8,
        block: *mut u8,
        swept: &Leaf,
        leaf: &Leaf,
        seed: usize,
        (lane, count): (usize, usize),
    ) {
        let (from, to) = (panel.cast::<T>(), block.cast::<T>());
        for row in 0..swept.size {
            // SAFETY: the caller's contract.
            unsafe {
                let source = from.add(row * self.width + lane);
                let target = to.add(row * leaf.size + seed - leaf.first);
                for k in 0..count {
                    target.add(k).write(source.add(k).read());
                }
            }
        }
    }

    /// Lanes become rows of a block.
    unsafe fn rows<T: Copy>(
        &self,
        panel: *const u8,
        block: *mut u8,
        swept: &Leaf,
        leaf: &Leaf,
        seed: usize,
        (lane, count): (usize, usize),
    ) {
        /// Columns at a time: what is read of the panel stays in cache for all lanes.
        const TILE: usize = 256;
        let (from, to) = (panel.cast::<T>(), block.cast::<T>());
        for start in (0..swept.size).step_by(TILE) {
            for k in 0..count {
                let row = seed - leaf.first + k;
                for column in start..swept.size.min(start + TILE) {
                    // SAFETY: the caller's contract.
                    unsafe {
                        let value = from.add(column * self.width + lane + k).read();
                        to.add(row * swept.size + column).write(value);
                    }
                }
            }
        }
    }
}

impl fmt::Display for Panels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes = |leaves: &[Leaf]| {
            leaves
                .iter()
                .map(|l| format!("{:?}", l.kind.shape))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (values, inputs) = (shapes(self.values()), shapes(self.inputs()));
        write!(
            f,
            "values of shape {values} by inputs of shape {inputs}, {} lanes at a time",
            self.width
        )
    }
}
