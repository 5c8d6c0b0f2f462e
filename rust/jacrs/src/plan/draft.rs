//! The schedule while it is being made: values by name, no memory yet.

use smallvec::SmallVec;

use crate::array::{DType, Layout};
use crate::ir::NodeId;
use crate::ops::Fun;

/// Later than every step: when outputs are read.
pub const END: u32 = u32::MAX;
/// Later than every instruction of a tape.
pub const LAST: u32 = u32::MAX;
/// No index.
pub const NONE: u32 = u32::MAX;

/// Where the value of a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Not computed: no output depends on it.
    Absent,
    /// A scalar of the tape, by its number.
    Scalar(u32),
    /// A constant of shape `[]`, by its cell.
    Constant(u32),
    /// One element of a root, at an offset in bytes.
    Element { root: u32, offset: isize },
    /// A strided view, by its number.
    View(u32),
}

/// A strided view of a root.
#[derive(Clone, Debug)]
pub struct Spec {
    pub root: u32,
    /// In bytes.
    pub offset: isize,
    pub layout: Layout,
    /// All of the root, in C order.
    pub whole: bool,
}

impl Spec {
    /// It repeats one element.
    pub fn is_single(&self) -> bool {
        self.layout
            .shape
            .iter()
            .zip(&self.layout.strides)
            .all(|(&n, &s)| n == 1 || s == 0)
    }
}

/// What made a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Input(u32),
    Constant(u32),
    Scalar(u32),
    /// An elementwise group; `local` is the place of the node in it.
    Group {
        local: u32,
    },
    Kernel,
    Tape,
    /// Its parts, by the steps that make these.
    Parts,
}

impl Source {
    /// Some step makes it.
    pub fn is_made(self) -> bool {
        matches!(
            self,
            Source::Group { .. } | Source::Kernel | Source::Tape | Source::Parts
        )
    }
}

/// Storage that views refer to.
#[derive(Clone, Debug)]
pub struct Root {
    pub source: Source,
    /// The step that writes it: of its parts, the first and the last.
    pub first: u32,
    pub step: u32,
    /// The root that it is a part of, and where it is in that, in bytes.
    pub within: Option<(u32, usize)>,
    /// The last step that reads it.
    pub last_read: u32,
    pub dtype: DType,
    pub len: usize,
    /// It needs memory: something outside its group reads it.
    pub stored: bool,
    /// The output that it is written to.
    pub output: u32,
    /// Its buffer, once buffers are made.
    pub buffer: u32,
    /// One more than the last group that used it.
    pub touched: u32,
    /// Where it is made and last read among the steps of its strips, if it is made strip by strip.
    pub inner: Option<(u32, u32)>,
    /// Something reads it that is not in its strips.
    pub outside: bool,
}

impl Root {
    /// It lives within its strips: memory for one strip is enough.
    pub fn is_local(&self) -> bool {
        self.inner.is_some() && self.stored && !self.outside
    }
}

/// A number of the tape.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    pub step: u32,
    /// The last use: step, and instruction in it.
    pub last: (u32, u32),
    pub register: u32,
}

pub enum DraftStep {
    Tape(Vec<TapeDraft>),
    Group(GroupDraft),
    Kernel(KernelDraft),
    Strips(StripsDraft),
    /// Strips that went to a later place.
    Moved,
}

impl DraftStep {
    /// The roots that a group or a kernel makes.
    pub fn made(&self) -> impl Iterator<Item = u32> {
        let (nodes, kernel) = match self {
            DraftStep::Group(group) => (group.nodes.as_slice(), None),
            DraftStep::Kernel(kernel) => (&[][..], Some(kernel.root)),
            _ => (&[][..], None),
        };
        nodes.iter().map(|node| node.root).chain(kernel)
    }
}

/// Groups and kernels that run together on some rows of their arrays, then on the next.
pub struct StripsDraft {
    /// The length of the first axis.
    pub rows: usize,
    pub steps: Vec<DraftStep>,
    /// Some step reduces over the rows.
    pub totals: bool,
}

/// An operand of a tape instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    Scalar(u32),
    Constant(u32),
}

/// An instruction of a tape before registers are chosen.
#[derive(Clone, Copy, Debug)]
pub enum TapeDraft {
    Map {
        fun: Fun,
        dtype: DType,
        result: DType,
        operands: [Cell; 3],
        out: u32,
    },
    /// The sine and the cosine of one number, which share nearly all.
    SinCos {
        angle: Cell,
        sine: u32,
        cosine: u32,
    },
    Load {
        dtype: DType,
        root: u32,
        offset: isize,
        out: u32,
    },
    Store {
        dtype: DType,
        root: u32,
        offset: isize,
        from: Cell,
    },
    Zero {
        root: u32,
    },
}

pub struct GroupDraft {
    pub len: usize,
    pub nodes: Vec<MapDraft>,
}

#[derive(Clone, Debug)]
pub struct MapDraft {
    pub fun: Fun,
    pub dtype: DType,
    pub result: DType,
    pub operands: SmallVec<[(Value, DType); 3]>,
    pub root: u32,
}

pub struct KernelDraft {
    pub node: NodeId,
    pub operands: SmallVec<[Value; 3]>,
    pub root: u32,
    /// Decided with the buffers.
    pub in_place: bool,
    /// It reduces over the rows of its strips.
    pub total: bool,
}

/// A whole schedule.
#[derive(Default)]
pub struct Draft {
    pub steps: Vec<DraftStep>,
    pub roots: Vec<Root>,
    pub specs: Vec<Spec>,
    pub scalars: Vec<Scalar>,
    /// The bits of each constant, as its dtype holds them.
    pub constants: Vec<u64>,
    /// What is copied to outputs at the end: a value and the number of the output.
    pub copies: Vec<(Value, u32)>,
    /// Some product is guarded.
    pub guarded: bool,
}
