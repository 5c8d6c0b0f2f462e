//! The operations of the graph. Parameters are interned, so an `Op` is eight bytes and `Copy`.

use super::ListId;
use crate::ops::Fun;

/// What a node does. Types are on the node; operands are in its operand list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    // Leaves.
    /// The `k`-th input of the graph: an argument, a captured array, a literal or a seed.
    Input(u32),
    /// A structural constant, the same for every element of the node's shape: the list holds its bits.
    Const(ListId),
    /// `0, 1, 2, ...` along the only axis.
    Iota,
    /// Stands where another node is put later; it has no value, and no graph that is run holds one.
    Placeholder(u32),

    // Identities with a meaning for differentiation.
    /// A fresh name for a value: what an inner transform differentiates with respect to.
    Opaque(u32),
    /// The value, as a constant of every differentiation.
    StopGradient,

    // Elementwise: all operands have the shape of the node.
    Map(Fun),

    // Rearrangements. Slices are described by a list `start, step` for each axis.
    Reshape,
    Transpose(ListId),
    Broadcast,
    Slice(ListId),
    /// The first operand with its slice replaced by the second.
    Assign(ListId),
    /// The first operand with the second added to its slice.
    AddAt(ListId),
    /// The list is `place, lead`: the item at `place` (in C order) of the first `lead` axes.
    Item(ListId),
    /// Zeros with equally shaped items put at the places (in C order) of the list: many items of
    /// one array at once. The leading axes of the node that are not the items' are the placed ones.
    Pack(ListId),
    Concat(u8),

    // Rows of the first axis chosen by an integer operand.
    /// `x[idx]`.
    Gather,
    /// `z = x; z[idx] += v` for every index, repeated ones too; operands `x, idx, v`.
    ScatterAdd,
    /// `z = x; z[idx] = v`, the last one wins; operands `x, idx, v`.
    ScatterSet,

    // Along axes.
    /// Over the axes of the list, which disappear.
    Reduce(Reduction, ListId),
    /// The place of the first extremum along an axis, which disappears.
    ArgPick(Pick, u8),
    Cumulate(Cumulation, u8, Guard),
    /// Stable ascending order along an axis, NaN last.
    Argsort(u8),
    /// The places (in C order) of the true elements; their count is the shape of the node.
    Nonzero,

    // Matrices in the last two axes, with equal leading axes.
    /// `[..., m, k] @ [..., k, n]`.
    MatMul(Guard),
    /// Everything that a factorisation gives, packed in one line: a constant of differentiation.
    /// What is computed from it has the matrix as an operand as well, for its derivative.
    Factor(Factorisation),
    /// One result of a factorisation; operands `a, factor(a)`.
    Part(Factorisation, Part),
    /// `a x = b`; operands `a, b`, and `a, lu(a), b` where `a` is of no special form.
    Solve(System),
    /// The pseudoinverse without singular values up to `cutoff` times the largest; operands
    /// `a, svd(a), cutoff`.
    Pinv,
    /// The derivative, of order `r`, of the matrix of cofactors along matrices; operands
    /// `a, e_1, ..., e_r`.
    Cofactors,
    /// To each column of `b` the reduced resolvent of one eigenvalue, or singular value, is applied:
    /// how its vector moves; operands `a, factor(a), b`.
    Resolvent(Factorisation),
    /// Zeros, whose derivative by every entry of a matrix is NaN where flagged; operands
    /// `a, flags`, where a flag is NaN and zero is none.
    Pole,
}

/// A factorisation of a matrix `a` of shape `[m, n]`; `k` is the smaller of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Factorisation {
    /// With partial pivoting.
    Lu,
    /// `a = l l^T`; reads the lower triangle.
    Cholesky,
    /// `a = q r` with `k` columns of `q`.
    Qr,
    /// The same with all `m` columns.
    QrComplete,
    /// `a v = v diag(w)`; reads the lower triangle.
    Eigh,
    /// `a = u diag(s) vt` with `k` singular vectors.
    Svd,
    /// The same with square `u` and `vt`.
    SvdFull,
}

/// What is read off a factorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Part {
    /// The determinant.
    Det,
    /// The sign of the determinant: -1, 0 or 1.
    Sign,
    /// The logarithm of the modulus of the determinant.
    LogDet,
    /// The factor of Cholesky.
    Lower,
    Q,
    R,
    /// Eigenvalues in ascending order.
    Values,
    /// Eigenvectors, as columns.
    Vectors,
    U,
    /// Singular values in descending order.
    S,
    Vt,
    /// NaN for each column of `q`, eigenvalue or singular value whose derivatives (of vectors: of the
    /// first order, of values: of the second) do not exist, else zero.
    Ties,
    /// The same for the columns of `u`.
    TiesU,
    /// The same for the rows of `vt`.
    TiesVt,
}

/// What is known of the matrix of a linear system, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct System {
    pub form: Form,
    pub transposed: bool,
    /// An exact zero pivot is an error; else the solution is not finite.
    pub checked: bool,
}

/// The form of a square matrix: only the triangle that it names is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Form {
    General,
    Lower,
    Upper,
    /// With ones on the diagonal, which is not read.
    UnitLower,
    UnitUpper,
}

/// Names of the text form.
macro_rules! named {
    ($Name:ident { $($variant:ident $text:literal),* $(,)? }) => {
        impl $Name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),*
                }
            }

            /// The inverse of `name`.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|x| x.name() == name)
            }
        }
    };
}
named!(Factorisation {
    Lu "lu", Cholesky "cholesky", Qr "qr", QrComplete "qr_complete", Eigh "eigh", Svd "svd",
    SvdFull "svd_full",
});
named!(Part {
    Det "det", Sign "sign", LogDet "logdet", Lower "lower", Q "q", R "r", Values "values",
    Vectors "vectors", U "u", S "s", Vt "vt", Ties "ties", TiesU "ties_u", TiesVt "ties_vt",
});
named!(Form {
    General "general", Lower "lower", Upper "upper", UnitLower "unit_lower",
    UnitUpper "unit_upper",
});

impl Part {
    /// Whether its derivative is zero.
    pub fn is_step(self) -> bool {
        matches!(self, Self::Sign) || self.are_ties()
    }

    pub fn are_ties(self) -> bool {
        matches!(self, Self::Ties | Self::TiesU | Self::TiesVt)
    }
}

impl System {
    /// `general`, `lower_t`, `upper_unchecked`, ...: the form, then what is not usual.
    pub fn name(self) -> String {
        let transposed = if self.transposed { "_t" } else { "" };
        let unchecked = if self.checked { "" } else { "_unchecked" };
        format!("{}{transposed}{unchecked}", self.form.name())
    }

    /// The inverse of [`System::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        let (name, checked) = match name.strip_suffix("_unchecked") {
            Some(name) => (name, false),
            None => (name, true),
        };
        let (name, transposed) = match name.strip_suffix("_t") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let form = Form::from_name(name)?;
        Some(Self {
            form,
            transposed,
            checked,
        })
    }
}

impl Op {
    /// The list among the parameters.
    pub fn list_mut(&mut self) -> Option<&mut ListId> {
        match self {
            Op::Const(list)
            | Op::Transpose(list)
            | Op::Slice(list)
            | Op::Assign(list)
            | Op::AddAt(list)
            | Op::Item(list)
            | Op::Pack(list)
            | Op::Reduce(_, list) => Some(list),
            Op::Input(_)
            | Op::Iota
            | Op::Opaque(_)
            | Op::StopGradient
            | Op::Map(_)
            | Op::Reshape
            | Op::Broadcast
            | Op::Concat(_)
            | Op::Gather
            | Op::ScatterAdd
            | Op::ScatterSet
            | Op::ArgPick(..)
            | Op::Cumulate(..)
            | Op::Argsort(_)
            | Op::Nonzero
            | Op::MatMul(_)
            | Op::Placeholder(_)
            | Op::Factor(_)
            | Op::Part(..)
            | Op::Solve(_)
            | Op::Pinv
            | Op::Cofactors
            | Op::Resolvent(_)
            | Op::Pole => None,
        }
    }
}

/// Whether products with a zero factor are zero even if the other factor is not finite: the rule
/// for products that a derivative introduced, as opposed to those of the user's own program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Guard {
    Off,
    On,
}

/// A reduction over axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reduction {
    Sum,
    Prod,
    Max,
    Min,
}

/// Which extremum [`Op::ArgPick`] looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Pick {
    Max,
    Min,
}

/// A scan along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cumulation {
    /// `y[i] = x[0] + ... + x[i]`.
    Sum,
    /// The same from the end.
    SumBack,
    /// `y[i] = a[i] y[i-1] + b[i]`, `y[-1] = 0`; operands `a, b`.
    Recurrence,
    /// `y[i] = a[i] y[i+1] + b[i]`, from the end.
    RecurrenceBack,
}
