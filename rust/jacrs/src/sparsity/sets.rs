//! The sets of all elements of a node.
//!
//! They are held as a union of *layers*: arrays of codes with the shape of the node. A layer is a
//! strided array as any other, so what is a view of an operand has a view of its layers; a broadcast
//! repeats sets without copying them, and a stencil is the shifted views of one layer. Layers are
//! only united element by element where there are too many, or where it is asked what is in them.

use std::rc::Rc;

use smallvec::SmallVec;

use super::rows::{Block, Code, EMPTY, Store, Unions};
use crate::array::{Array, Dims, Layout, product};
use crate::error::Result;
use crate::interrupt::elements;
use crate::memory::check_memory;

/// More layers than this are united.
const MOST_LAYERS: usize = 16;

/// A code for each element.
#[derive(Clone)]
pub struct Layer {
    pub codes: Array,
    /// Known to hold no empty set.
    pub full: bool,
    /// The code that all elements have, if that is plain to see.
    pub uniform: Option<Code>,
}

/// A set for each element: the union of its sets in all layers.
#[derive(Clone, Default)]
pub struct Sets {
    pub layers: SmallVec<[Layer; 1]>,
    /// What keeps the rows alive.
    pub blocks: SmallVec<[Rc<Block>; 1]>,
}

/// The codes of an array in C order, without copying where they lie so.
pub struct Dense(Array);

impl Dense {
    pub fn of(codes: &Array) -> Self {
        Self(codes.to_contiguous())
    }

    pub fn codes(&self) -> &[Code] {
        let view = self.0.view();
        // SAFETY: contiguous and written; arrays of codes are made here, and never written again.
        unsafe { std::slice::from_raw_parts(view.ptr.cast::<Code>(), view.len()) }
    }
}

/// Asks for the memory of a layer.
///
/// # Errors
/// If there is too little.
pub fn check_layer(size: usize) -> Result<()> {
    check_memory(size.saturating_mul(size_of::<Code>()), || {
        format!("the sparsity of an array of {size} elements")
    })
}

/// The code that an array has everywhere, if its strides say that there is one.
fn uniform_code(codes: &Array) -> Option<Code> {
    let view = codes.view();
    let alike = (view.shape().iter().zip(view.strides())).all(|(&n, &step)| n == 1 || step == 0);
    // SAFETY: there is an element, written when the codes were made.
    (alike && !view.is_empty()).then(|| unsafe { view.ptr.cast::<Code>().read() })
}

impl Layer {
    /// A layer of which it is found out whether it is full.
    pub fn new(codes: Array) -> Self {
        let full = !Dense::of(&codes).codes().contains(&EMPTY);
        Self::known(codes, full)
    }

    /// A layer that is full if this says so.
    pub fn known(codes: Array, full: bool) -> Self {
        let uniform = uniform_code(&codes);
        Self {
            full: full || uniform.is_some_and(|code| code != EMPTY),
            codes,
            uniform,
        }
    }

    /// The same code everywhere.
    pub fn repeated(code: Code, shape: &[usize]) -> Self {
        let cell = Array::scalar(code);
        let layout = cell.view().layout.broadcast(shape);
        Self::known(cell.relaid(0, layout), code != EMPTY)
    }

    /// The same elements laid out otherwise.
    #[must_use]
    pub fn relaid(&self, layout: Layout) -> Self {
        Self::known(self.codes.relaid(0, layout), self.full)
    }

    fn is(&self, other: &Self) -> bool {
        let (a, b) = (self.codes.view(), other.codes.view());
        (self.uniform.is_some() && self.uniform == other.uniform)
            || (a.ptr == b.ptr && a.layout == b.layout)
    }
}

impl Sets {
    pub fn of_layer(layer: Layer) -> Self {
        Self {
            layers: [layer].into_iter().collect(),
            blocks: SmallVec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Whether no element depends on a column.
    pub fn is_constant(&self, store: &Store) -> bool {
        let something = store.something();
        let constant = |layer: &Layer| match layer.uniform {
            Some(code) => code == something,
            None => {
                let dense = Dense::of(&layer.codes);
                dense.codes().iter().all(|&c| c == EMPTY || c == something)
            }
        };
        self.layers.iter().all(constant)
    }

    /// A layer more, unless it is there.
    pub fn push(&mut self, layer: Layer) {
        if !self.layers.iter().any(|other| other.is(&layer)) {
            self.layers.push(layer);
        }
    }

    pub fn keep(&mut self, blocks: impl IntoIterator<Item = Rc<Block>>) {
        for block in blocks {
            if !self.blocks.iter().any(|other| Rc::ptr_eq(other, &block)) {
                self.blocks.push(block);
            }
        }
    }

    /// What is in one or the other.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        for layer in other.layers {
            self.push(layer);
        }
        self.keep(other.blocks);
        self
    }

    /// That a value is there says nothing where it is known to depend on something.
    pub fn drop_redundant(&mut self, store: &Store) {
        let something = |layer: &Layer| layer.uniform == Some(store.something());
        if self
            .layers
            .iter()
            .any(|layer| layer.full && !something(layer))
        {
            self.layers.retain(|layer| !something(layer));
        }
    }

    /// Which of `size` elements have a set that is not empty; `None` for all.
    pub fn support(&self, size: usize) -> Option<Vec<bool>> {
        if self.layers.iter().any(|layer| layer.full) {
            return None;
        }
        let mut mask = vec![false; size];
        for layer in &self.layers {
            for (there, &code) in mask.iter_mut().zip(Dense::of(&layer.codes).codes()) {
                *there |= code != EMPTY;
            }
        }
        elements(size * self.layers.len());
        mask.contains(&false).then_some(mask)
    }

    /// The empty set where the mask is not.
    ///
    /// # Errors
    /// If it does not fit into memory.
    pub fn masked(&self, mask: &[bool]) -> Result<Self> {
        let mut made = Self::default();
        for layer in &self.layers {
            check_layer(mask.len())?;
            let dense = Dense::of(&layer.codes);
            let codes: Vec<Code> = (dense.codes().iter().zip(mask))
                .map(|(&code, &there)| if there { code } else { EMPTY })
                .collect();
            elements(mask.len());
            if codes.iter().any(|&code| code != EMPTY) {
                let codes = Array::from_slice(layer.codes.shape(), &codes);
                made.layers.push(Layer::known(codes, false));
            }
        }
        made.blocks.clone_from(&self.blocks);
        Ok(made)
    }

    /// The unions of all sets along some axes, which disappear.
    ///
    /// # Errors
    /// If they do not fit into memory.
    pub fn folded(self, store: &mut Store, shape: &[usize], axes: &[usize]) -> Result<Self> {
        let mut made = Self {
            layers: SmallVec::new(),
            blocks: self.blocks,
        };
        if axes.iter().any(|&a| shape[a] == 0) {
            return Ok(Self::default());
        }
        let kept: Dims = (0..shape.len()).filter(|a| !axes.contains(a)).collect();
        let target: Dims = kept.iter().map(|&a| shape[a]).collect();
        let mut groups = Groups::default();
        for layer in self.layers {
            let strides = layer.codes.view().strides();
            if axes.iter().all(|&a| strides[a] == 0 || shape[a] == 1) {
                let rest = layer.codes.view().layout.transpose(&kept);
                made.push(layer.relaid(rest));
            } else {
                groups.add(layer.codes, &kept, axes);
            }
        }
        for (core, parts) in groups.0 {
            let mut unions = store.unions();
            let codes = joined(&mut unions, product(&core), &parts)?;
            made.keep(unions.finish());
            let layer = Layer::new(Array::from_slice(&core, &codes));
            let layout = layer.codes.view().layout.broadcast(&target);
            made.push(layer.relaid(layout));
        }
        made.drop_redundant(store);
        Ok(made)
    }

    /// The same sets in fewer layers if there are many: those that repeat along the same axes are
    /// united, smaller ones first, so that a long sum costs little more than its last value.
    ///
    /// # Errors
    /// If they do not fit into memory.
    pub fn settled(mut self, store: &mut Store) -> Result<Self> {
        self.drop_redundant(store);
        while self.layers.len() > MOST_LAYERS {
            let chosen = self.small_layers(store);
            if chosen.len() < 2 {
                break;
            }
            let shape = Dims::from_slice(self.layers[0].codes.shape());
            let (mut few, mut rest) = (Self::default(), Self::default());
            for (k, layer) in self.layers.into_iter().enumerate() {
                let side = if chosen.contains(&k) {
                    &mut few
                } else {
                    &mut rest
                };
                side.layers.push(layer);
            }
            rest.blocks = self.blocks;
            self = rest.union(few.united(store, &shape)?);
        }
        if self.blocks.len() > MOST_LAYERS {
            self.blocks = store.blocks_of(self.layers.iter().map(|l| core(&l.codes)));
        }
        Ok(self)
    }

    /// Among the layers that repeat along the same axes, of the kind of which there are most, the
    /// smallest: as many as are not much larger than those before together.
    fn small_layers(&self, store: &Store) -> Vec<usize> {
        let cores: Vec<Dims> = self.layers.iter().map(|l| core_shape(&l.codes)).collect();
        let count = |core: &Dims| cores.iter().filter(|other| *other == core).count();
        let most = cores.iter().max_by_key(|core| count(core));
        let mut group: Vec<(usize, usize)> = (0..cores.len())
            .filter(|&k| Some(&cores[k]) == most)
            .map(|k| (weight(store, &self.layers[k].codes), k))
            .collect();
        group.sort_unstable();
        let mut total = 0;
        let fits = |&(place, (size, _)): &(usize, (usize, usize))| {
            let fits = place < 2 || size <= 2 * total;
            total += size;
            fits
        };
        let small = group.into_iter().enumerate().take_while(fits);
        small.map(|(_, (_, k))| k).collect()
    }

    /// Layers that repeat along the same axes as one.
    fn united(self, store: &mut Store, shape: &[usize]) -> Result<Self> {
        let axes: Dims = (0..shape.len()).collect();
        let mut groups = Groups::default();
        for layer in self.layers {
            groups.add(layer.codes, &axes, &[]);
        }
        let mut made = Self::default();
        for (core, parts) in groups.0 {
            let mut unions = store.unions();
            let codes = joined(&mut unions, product(&core), &parts)?;
            made.keep(unions.finish());
            let layer = Layer::new(Array::from_slice(&core, &codes));
            let layout = layer.codes.view().layout.broadcast(shape);
            made.push(layer.relaid(layout));
        }
        Ok(made)
    }
}

/// The shape of what an array repeats.
fn core_shape(codes: &Array) -> Dims {
    let axes = codes.shape().iter().zip(codes.view().strides());
    axes.map(|(&n, &step)| if step == 0 { n.min(1) } else { n })
        .collect()
}

/// An array without its repetitions.
fn core(codes: &Array) -> Array {
    let layout = Layout {
        shape: core_shape(codes),
        strides: codes.view().strides().into(),
    };
    codes.relaid(0, layout)
}

fn weight(store: &Store, codes: &Array) -> usize {
    let dense = Dense::of(&core(codes));
    elements(dense.codes().len());
    dense.codes().iter().map(|&code| store.size(code)).sum()
}

/// Layers of which the kept axes repeat alike, by the shape of what is repeated: `[kept.., rest..]`.
#[derive(Default)]
struct Groups(Vec<(Dims, Vec<Dense>)>);

impl Groups {
    fn add(&mut self, codes: Array, kept: &[usize], rest: &[usize]) {
        let core = core(&codes);
        let shape: Dims = kept.iter().map(|&a| core.shape()[a]).collect();
        let order: Dims = kept.iter().chain(rest).copied().collect();
        let part = Dense::of(&core.relaid(0, core.view().layout.transpose(&order)));
        match self.0.iter_mut().find(|(other, _)| *other == shape) {
            Some((_, parts)) => parts.push(part),
            None => self.0.push((shape, vec![part])),
        }
    }
}

/// For each of `count` places the union of its codes in all parts, which lie together.
fn joined(unions: &mut Unions<'_>, count: usize, parts: &[Dense]) -> Result<Vec<Code>> {
    check_layer(count)?;
    let runs: Vec<(&[Code], usize)> = (parts.iter())
        .map(|part| (part.codes(), part.codes().len() / count.max(1)))
        .collect();
    let mut made = Vec::with_capacity(count);
    let mut codes = vec![];
    for k in 0..count {
        codes.clear();
        for (all, n) in &runs {
            let run = &all[k * n..(k + 1) * n];
            codes.extend(run.iter().filter(|&&code| code != EMPTY));
            elements(*n);
        }
        made.push(unions.of(&mut codes)?);
    }
    Ok(made)
}
