//! The binary form of a graph, for graphs that are kept: some five bytes a node, the same on every
//! machine. Operations and dtypes stand in it by the names of the text form, so a table of them may
//! grow or change its order.

use std::hash::Hash;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::text::{MOST_AXES, named, parameters};
use super::{Graph, NodeId, Op, ShapeId, is_addressable};
use crate::array::DType;
use crate::error::{Result, caught, text};
use crate::interrupt::piece;
use crate::memory::check_memory;
use crate::ops::{self, build};

/// What is written: tables, and nodes that refer to them.
#[derive(Serialize, Deserialize, Default)]
struct Flat {
    names: Vec<String>,
    types: Vec<(String, Vec<u64>)>,
    /// Parameters: lists, axes, the bits of constants.
    lists: Vec<Vec<i64>>,
    /// Name, type and list of what nodes have in common.
    kinds: Vec<[u32; 3]>,
    /// For each node: its kind, how many operands it has, and how far back each of them lies.
    nodes: Vec<u32>,
    outputs: Vec<u32>,
}

/// Bytes of all values of a graph together. No machine has as many; what is derived from such a
/// graph can still be counted.
const MOST_BYTES: usize = 1 << 52;
/// Bytes that a graph takes for each word of its nodes, and more.
const BYTES_A_WORD: usize = 64;

/// The graph as bytes; [`decode`] reads them back. Source locations are left out.
///
/// ```
/// use jacrs::ir::{decode, encode, parse, print};
/// let text = "%0 = input : float64[3]\n%1 = sin(%0) : float64[3]\nreturn %1\n";
/// let bytes = encode(&parse(text).unwrap());
/// assert_eq!(print(&decode(&bytes).unwrap()), text);
/// assert!(decode(&bytes[1..]).is_err());
/// ```
pub fn encode(g: &Graph) -> Vec<u8> {
    let mut flat = Flat {
        outputs: g.outputs.iter().map(|y| y.0).collect(),
        ..Flat::default()
    };
    let (mut names, mut types, mut lists) = (Table::new(), Table::new(), Table::new());
    let mut kinds: Table<(Op, bool, DType, ShapeId)> = Table::new();
    for id in g.ids() {
        piece();
        let node = g.node(id);
        let op = match node.op {
            Op::Input(_) => Op::Input(0),
            Op::Opaque(_) => Op::Opaque(0),
            op => op,
        };
        let active = node.active && matches!(op, Op::Input(_));
        let kind = kinds.place((op, active, node.dtype, node.shape), || {
            let name = name_of(op, active);
            let name = names.place(name.clone(), || flat.names.push(name));
            let kind = types.place((node.dtype, node.shape), || {
                let shape = g.shape(id).iter().map(|&n| n as u64).collect();
                flat.types.push((node.dtype.name().into(), shape));
            });
            let list = parameters(g, op).unwrap_or_default();
            let list = lists.place(list.clone(), || flat.lists.push(list));
            flat.kinds.push([name, kind, list]);
        });
        flat.nodes.push(kind);
        flat.nodes.push(g.operands(id).len() as u32);
        flat.nodes.extend(g.operands(id).iter().map(|x| id.0 - x.0));
    }
    postcard::to_allocvec(&flat).expect("memory is all it takes")
}

/// Numbers things in the order in which they are first seen.
struct Table<T>(HashMap<T, u32>);

impl<T: Eq + Hash> Table<T> {
    fn new() -> Self {
        Self(HashMap::new())
    }

    fn place(&mut self, item: T, new: impl FnOnce()) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(item).or_insert_with(|| {
            new();
            next
        })
    }
}

fn name_of(op: Op, active: bool) -> String {
    let mark = if active { "!" } else { "" };
    ops::operation(op).name(op) + mark
}

/// The graph that was encoded, verified.
///
/// # Errors
/// These bytes are no graph, or one too large for any machine.
pub fn decode(bytes: &[u8]) -> Result<Graph> {
    caught(|| {
        let (flat, rest) = postcard::take_from_bytes::<Flat>(bytes)
            .map_err(|_| text::no_graph("a table cannot be read"))?;
        if !rest.is_empty() {
            return Err(text::no_graph("more follows it"));
        }
        check_memory(flat.nodes.len().saturating_mul(BYTES_A_WORD), || {
            format!("a graph of {} words", flat.nodes.len())
        })?;
        let mut reader = Reader::new(&flat)?;
        let mut words = flat.nodes.iter().copied();
        while let Some(kind) = words.next() {
            piece();
            reader.node(kind, &mut words)?;
        }
        reader.graph.outputs = (flat.outputs.iter())
            .map(|&y| reader.at(y as usize))
            .collect::<Result<_>>()?;
        ops::verify(&reader.graph).map_err(|error| text::no_graph(&error.message))?;
        Ok(reader.graph)
    })
}

/// What nodes of one kind have in common.
#[derive(Clone, Copy)]
struct Kind {
    what: What,
    dtype: DType,
    shape: ShapeId,
    bytes: usize,
}

#[derive(Clone, Copy)]
enum What {
    Input { active: bool },
    Opaque,
    Other(Op),
}

struct Reader {
    graph: Graph,
    kinds: Vec<Kind>,
    /// The nodes read so far. Equal ones are one node of the graph.
    places: Vec<NodeId>,
    operands: Vec<NodeId>,
    /// Bytes of all values so far.
    bytes: usize,
}

impl Reader {
    fn new(flat: &Flat) -> Result<Self> {
        let mut graph = Graph::new();
        let kinds = (flat.kinds.iter())
            .map(|&kind| Kind::read(&mut graph, flat, kind))
            .collect::<Result<_>>()?;
        Ok(Self {
            graph,
            kinds,
            places: vec![],
            operands: vec![],
            bytes: 0,
        })
    }

    fn at(&self, k: usize) -> Result<NodeId> {
        let found = self.places.get(k).copied();
        found.ok_or_else(|| text::no_graph("it names a node that is not there"))
    }

    /// One more node, whose operands follow.
    fn node(&mut self, kind: u32, words: &mut impl ExactSizeIterator<Item = u32>) -> Result<()> {
        let ends_early = || text::no_graph("it ends early");
        let kind = self.kinds.get(kind as usize).copied();
        let kind = kind.ok_or_else(|| text::no_graph("a node is of no kind"))?;
        let count = words.next().ok_or_else(ends_early)? as usize;
        if count > words.len() {
            return Err(ends_early());
        }
        self.operands.clear();
        for back in words.take(count) {
            let at = self.places.len().checked_sub(back as usize);
            let operand = self.at(at.unwrap_or(usize::MAX))?;
            self.operands.push(operand);
        }
        self.bytes = self.bytes.saturating_add(kind.bytes);
        if self.bytes > MOST_BYTES {
            return Err(text::no_graph("no machine has room for its values"));
        }
        let Kind { dtype, shape, .. } = kind;
        let g = &mut self.graph;
        let id = match (kind.what, self.operands.as_slice()) {
            (What::Input { active }, []) => {
                let shape = g.shape_of(shape).to_vec();
                g.input(dtype, &shape, active)
            }
            (What::Opaque, &[x]) if (g.dtype(x), g.shape_id(x)) == (dtype, shape) => g.opaque(x),
            (What::Other(op), operands) => g.push(op, dtype, shape, operands),
            _ => return Err(text::no_graph("a node has other operands than it takes")),
        };
        self.places.push(id);
        Ok(())
    }
}

impl Kind {
    fn read(g: &mut Graph, flat: &Flat, [name, kind, list]: [u32; 3]) -> Result<Self> {
        let missing = || text::no_graph("a kind names what is in no table");
        let name = flat.names.get(name as usize).ok_or_else(missing)?;
        let list = flat.lists.get(list as usize).ok_or_else(missing)?;
        let (dtype, shape) = flat.types.get(kind as usize).ok_or_else(missing)?;
        // The complex ones have no kernels.
        let real = |dtype: &DType| dtype.is_float() || !dtype.is_differentiable();
        let dtype = DType::from_name(dtype)
            .filter(real)
            .ok_or_else(|| text::no_graph(&format!("there is no dtype {dtype}")))?;
        let shape: Vec<usize> = (shape.iter())
            .map(|&n| usize::try_from(n).unwrap_or(usize::MAX))
            .collect();
        if shape.len() > MOST_AXES || !is_addressable(&shape) {
            return Err(text::no_graph("a shape is too large"));
        }
        let bytes = shape.iter().product::<usize>() * dtype.size();
        let what = match name.as_str() {
            "input" => What::Input { active: false },
            "input!" => What::Input {
                active: dtype.is_differentiable(),
            },
            "opaque" => What::Opaque,
            "const" => What::Other(constant(g, dtype, list)?),
            name => {
                What::Other(named(g, name, list).map_err(|error| text::no_graph(&error.message))?)
            }
        };
        Ok(Self {
            what,
            dtype,
            shape: g.intern_shape(&shape),
            bytes,
        })
    }
}

fn constant(g: &mut Graph, dtype: DType, bits: &[i64]) -> Result<Op> {
    let &[bits] = bits else {
        return Err(text::no_graph("a constant has one value"));
    };
    let is_one = match dtype {
        DType::Bool => bits == 0 || bits == 1,
        DType::F32 => {
            let value = f64::from_bits(bits.cast_unsigned());
            value.is_nan() || build::constant_bits(dtype, value) == bits
        }
        _ => true,
    };
    if !is_one {
        return Err(text::no_graph("a constant is no value of its dtype"));
    }
    Ok(Op::Const(g.intern_list(&[bits])))
}
