//! Where values enter a recording: arguments, captured arrays, literals, structural constants.

use super::{Access, Handle, Recording, order};
use crate::array::{Array, DType, Dims, Element, Layout};
use crate::error::text;
use crate::ir::{NodeId, Op};
use crate::ops::build;

/// What an input of the graph was given.
pub(super) enum Slot {
    /// A float literal; these are many, so they take no memory of their own.
    Literal(f64, DType),
    /// An argument of the recorded function: other data may stand here when the graph runs again.
    Argument(Box<Array>),
    /// An array that the function reached otherwise.
    Captured(Box<Array>),
}

/// The literal last seen as one object at one place of the source.
pub(super) struct Literal {
    bits: u64,
    dtype: DType,
    node: NodeId,
}

/// Values that shape the program rather than being data of it.
fn is_structural(value: f64) -> bool {
    [0.0, 1.0, 2.0, 0.5].contains(&value.abs())
}

impl Recording {
    /// An array argument of the recorded function.
    pub fn argument(&mut self, array: Array, differentiable: bool) -> Handle {
        let active = differentiable && array.dtype().is_differentiable();
        self.read_only_input(array, active, text::ARGUMENT)
    }

    /// An array that the function reached otherwise than as an argument, and that may be another
    /// when the graph runs again.
    pub fn reached(&mut self, array: Array) -> Handle {
        self.read_only_input(array, false, text::OUTSIDE)
    }

    fn read_only_input(&mut self, array: Array, active: bool, why: &'static str) -> Handle {
        let node = self.graph.input(array.dtype(), array.shape(), active);
        let (frame, unordered) = order::of_memory(&array.view().layout);
        self.slots.push(Slot::Argument(Box::new(array)));
        self.new_storage(node, frame, unordered, Some(why))
    }

    /// An array that the recorded function made or reached otherwise than as an argument: data of
    /// the run, constant to every differentiation.
    pub fn captured(&mut self, array: Array, access: Access) -> Handle {
        let node = self.graph.input(array.dtype(), array.shape(), false);
        let (frame, unordered) = order::of_memory(&array.view().layout);
        self.slots.push(Slot::Captured(Box::new(array)));
        let locked = match access {
            Access::ReadOnly(why) => Some(why),
            Access::Writable => None,
        };
        self.new_storage(node, frame, unordered, locked)
    }

    /// `np.full(shape, value, dtype)`, and so `np.zeros` and `np.ones`.
    pub fn filled(&mut self, dtype: DType, shape: &[usize], value: f64) -> Handle {
        let node = if is_structural(value) || !dtype.is_float() {
            build::constant(&mut self.graph, dtype, shape, value)
        } else {
            let slot = self.literal_slot(value, dtype);
            build::broadcast(&mut self.graph, slot, shape)
        };
        self.new_storage(node, Layout::contiguous(shape), false, None)
    }

    /// A float of the source. It is an input of its own, merged only with the same object (`key.0`
    /// is its address) at the same place of the source (`key.1`); 0, ±1, ±2 and ±0.5 are constants.
    pub fn literal_f64(&mut self, value: f64, dtype: DType, key: (usize, u32)) -> NodeId {
        if is_structural(value) {
            return build::constant(&mut self.graph, dtype, &[], value);
        }
        let bits = value.to_bits();
        match self.literals.get(&key) {
            Some(known) if known.bits == bits && known.dtype == dtype => known.node,
            _ => {
                let node = self.literal_slot(value, dtype);
                self.literals.insert(key, Literal { bits, dtype, node });
                node
            }
        }
    }

    fn literal_slot(&mut self, value: f64, dtype: DType) -> NodeId {
        self.slots.push(Slot::Literal(value, dtype));
        self.graph.input(dtype, &[], false)
    }

    /// An integer of the source: part of the structure.
    pub fn literal_i64(&mut self, value: i64) -> NodeId {
        build::constant_from_bits(&mut self.graph, DType::I64, &[], value)
    }

    /// `True` or `False`.
    pub fn literal_bool(&mut self, value: bool) -> NodeId {
        build::constant_from_bits(&mut self.graph, DType::Bool, &[], i64::from(value))
    }

    /// A name for `of` that a nested transform differentiates with respect to: equal in value, and
    /// merged with nothing. It cannot be written to.
    pub fn opaque(&mut self, of: NodeId) -> Handle {
        let node = self.graph.opaque(of);
        let frame = Layout::contiguous(self.graph.shape(node));
        self.new_storage(node, frame, false, Some(text::OPAQUE))
    }

    /// Indices known while recording, as one input; equal ones are one input.
    pub(super) fn index_input(&mut self, shape: &[usize], data: &[i64]) -> NodeId {
        // Long lists are rarely the same twice, and would be kept twice.
        const MERGED: usize = 1 << 16;
        let key = (data.len() <= MERGED).then(|| {
            let head = shape.iter().map(|&n| n as i64);
            std::iter::once(shape.len() as i64)
                .chain(head)
                .chain(data.iter().copied())
                .collect::<Box<[i64]>>()
        });
        if let Some(&node) = key.as_ref().and_then(|k| self.index_inputs.get(k)) {
            return node;
        }
        let node = self.graph.input(DType::I64, shape, false);
        self.slots
            .push(Slot::Captured(Box::new(Array::from_slice(shape, data))));
        if let Some(key) = key {
            self.index_inputs.insert(key, node);
        }
        node
    }

    /// The data of a captured input: known whenever this graph runs.
    pub(super) fn captured_data(&self, node: NodeId) -> Option<&Array> {
        let Op::Input(k) = self.graph.op(node) else {
            return None;
        };
        match &self.slots[k as usize] {
            Slot::Captured(array) => Some(array),
            _ => None,
        }
    }
}

/// All inputs as arrays: literals of one dtype become cells of one buffer.
pub(super) fn gather_inputs(slots: &[Slot]) -> Vec<Array> {
    let literals = |wanted: DType| {
        slots.iter().filter_map(move |slot| match slot {
            Slot::Literal(value, dtype) if *dtype == wanted => Some(*value),
            _ => None,
        })
    };
    let wide: Vec<f64> = literals(DType::F64).collect();
    let narrow: Vec<f32> = literals(DType::F32).map(|v| v as f32).collect();
    let wide = cells(&wide);
    let narrow = cells(&narrow);
    let (mut next_wide, mut next_narrow) = (0, 0);
    let cell = |buffer: &Option<Array>, next: &mut isize| {
        let buffer = buffer.as_ref().expect("made where there is a literal");
        *next += 1;
        buffer.relaid(*next - 1, Layout::contiguous(&[]))
    };
    (slots.iter())
        .map(|slot| match slot {
            Slot::Literal(_, DType::F32) => cell(&narrow, &mut next_narrow),
            Slot::Literal(..) => cell(&wide, &mut next_wide),
            Slot::Argument(array) | Slot::Captured(array) => (**array).clone(),
        })
        .collect()
}

/// Whether a value of one shape can be repeated to another.
pub(super) fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len()
        && from
            .iter()
            .zip(&to[to.len() - from.len()..])
            .all(|(&a, &b)| a == b || a == 1)
}

/// One array of all values, if there are any.
fn cells<T: Element>(values: &[T]) -> Option<Array> {
    (!values.is_empty()).then(|| Array::from_slice(&[values.len()], values))
}

/// The shape that operands have together, or NumPy's words for why there is none.
pub(super) fn common_shape<'a>(shapes: impl Iterator<Item = &'a [usize]> + Clone) -> Option<Dims> {
    let ndim = shapes.clone().map(<[usize]>::len).max().unwrap_or(0);
    let mut common: Dims = Dims::from_elem(1, ndim);
    for shape in shapes {
        let lead = ndim - shape.len();
        for (axis, &n) in shape.iter().enumerate() {
            let slot = &mut common[lead + axis];
            if *slot == 1 {
                *slot = n;
            } else if n != 1 && n != *slot {
                return None;
            }
        }
    }
    Some(common)
}
