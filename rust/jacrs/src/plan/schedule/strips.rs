//! Strips: large arrays are computed some rows at a time.
//!
//! A row is what lies at one index of the first axis. Where each row of a result needs the same rows
//! of its operands only, steps run on a strip of rows one after the other before any runs on the
//! next strip: what passes between them stays in the cache, and has memory for a strip only.
//!
//! A node joins the latest strips for its number of rows, as nodes join groups. Where an operand is
//! made too late for that, the strips go to the end of the schedule, if nothing reads them yet.

use smallvec::SmallVec;

use super::{LARGE_GROUP, Scheduler};
use crate::array::{DType, Layout, coalesce};
use crate::ir::{NodeId, Op};
use crate::ops::{self, Fun};
use crate::plan::draft::{
    DraftStep, GroupDraft, KernelDraft, MapDraft, Source, Spec, StripsDraft, Value,
};
use crate::plan::guards::is_guarded;

/// Arrays of fewer elements stay in the cache without strips.
pub const LARGE: usize = if cfg!(test) { 5 } else { 1 << 14 };
/// Rows of more elements are no strips: several of them would not stay in the cache.
const LONGEST: usize = 1 << 15;
/// Rows longer than this are not reduced over in strips: a strip has several rows then.
const LONGEST_TOTAL: usize = 1 << 11;

/// Strips hold no more steps than this.
const MOST_STEPS: usize = 64;

type Operands = SmallVec<[(Value, DType); 3]>;

/// How an operand of a kernel is passed to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Map,
    /// The first axis of all operands and of the result are the rows.
    Rows,
    /// The rows are reduced.
    Total,
}

impl Scheduler<'_> {
    /// An elementwise node, if it is done in strips.
    pub fn map_in_strips(&mut self, id: NodeId, fun: Fun) -> Option<Value> {
        let g = self.graph;
        let operands = self.operands_of(id);
        let len = g.size(id);
        let rows = self.rows_of_operands(&operands).or_else(|| {
            let rows = *g.shape(id).first()?;
            (len >= LARGE && rows > 1).then_some(rows)
        })?;
        // Of nothing there are no blocks to cut rows from.
        if len == 0 || !len.is_multiple_of(rows) || len / rows > LONGEST {
            return None;
        }
        let step = self.strips_for(rows, &operands, Kind::Map, len >= LARGE)?;
        self.draft.guarded |= fun == Fun::Mul0;
        let inner = self.inner_group(step, &operands, len);
        let local = self.with_inner(step, inner, |steps| match steps {
            DraftStep::Group(group) => group.nodes.len() as u32,
            _ => unreachable!("found by its length"),
        });
        let root = self.new_root(id, Source::Group { local }, step);
        self.draft.roots[root as usize].inner = Some((inner, inner));
        let dtype = operands[operands.len() - 1].1;
        for &(value, _) in &operands {
            self.read_inside(value, step, inner, true);
        }
        let node = MapDraft {
            fun,
            dtype,
            result: g.dtype(id),
            operands,
            root,
        };
        self.with_inner(step, inner, |group| {
            if let DraftStep::Group(group) = group {
                group.nodes.push(node);
            }
        });
        Some(self.whole(id, root))
    }

    /// A reduction or a product, if it is done in strips.
    pub fn kernel_in_strips(&mut self, id: NodeId, op: Op) -> Option<Value> {
        let g = self.graph;
        let kind = self.kind(id, op)?;
        let operands = self.operands_of(id);
        let rows = self.rows_of_operands(&operands)?;
        let fits = |x: NodeId| g.shape(x)[0] == rows && g.size(x) / rows <= LONGEST;
        if !g.operands(id).iter().all(|&x| fits(x)) || g.size(id) / rows > LONGEST {
            return None;
        }
        let step = self.strips_for(rows, &operands, kind, false)?;
        self.draft.guarded |= is_guarded(op);
        let DraftStep::Strips(strips) = &mut self.draft.steps[step as usize] else {
            unreachable!("strips")
        };
        let inner = strips.steps.len() as u32;
        strips.totals |= kind == Kind::Total;
        let root = self.new_root(id, Source::Kernel, step);
        if kind == Kind::Rows {
            self.draft.roots[root as usize].inner = Some((inner, inner));
        }
        for &(value, _) in &operands {
            self.read_inside(value, step, inner, false);
        }
        let kernel = DraftStep::Kernel(KernelDraft {
            node: id,
            operands: operands.iter().map(|&(value, _)| value).collect(),
            root,
            in_place: false,
            total: kind == Kind::Total,
        });
        if let DraftStep::Strips(strips) = &mut self.draft.steps[step as usize] {
            strips.steps.push(kernel);
        }
        Some(self.whole(id, root))
    }

    /// Whether a kernel treats rows apart, or reduces over them in an order that strips can keep.
    fn kind(&self, id: NodeId, op: Op) -> Option<Kind> {
        let g = self.graph;
        let shape = g.shape(*g.operands(id).first()?);
        match op {
            Op::Reduce(..) if shape.len() > 1 && shape[0] > 1 => {
                let axes = ops::list_of(g, op);
                if !axes.contains(&0) {
                    return (g.size(id) > 0).then_some(Kind::Rows);
                }
                let columns = shape[1..].iter().product::<usize>();
                let short = columns > 1 && columns <= LONGEST_TOTAL;
                (axes == [0] && short).then_some(Kind::Total)
            }
            Op::MatMul(_) if shape.len() > 2 && shape[0] > 1 => Some(Kind::Rows),
            _ => None,
        }
    }

    fn operands_of(&self, id: NodeId) -> Operands {
        let g = self.graph;
        (g.operands(id).iter())
            .map(|&x| (self.values[x.index()], g.dtype(x)))
            .collect()
    }

    /// The number of rows of the strips that an operand is made in.
    fn rows_of_operands(&self, operands: &Operands) -> Option<usize> {
        operands.iter().find_map(|&(value, _)| {
            let Value::View(k) = value else { return None };
            let root = &self.draft.roots[self.draft.specs[k as usize].root as usize];
            root.inner?;
            match &self.draft.steps[root.step as usize] {
                DraftStep::Strips(strips) => Some(strips.rows),
                _ => None,
            }
        })
    }

    /// The strips that take a node, made if `fresh` and there are none that may.
    fn strips_for(
        &mut self,
        rows: usize,
        operands: &Operands,
        kind: Kind,
        fresh: bool,
    ) -> Option<u32> {
        let latest = self.strips.get(&rows).copied();
        if let Some(step) = latest.filter(|&step| self.has_room(step)) {
            let inside = |s: &Self| operands.iter().any(|&(value, _)| s.made_in(value, step));
            if kind == Kind::Total && !inside(self) {
                return None;
            }
            if operands
                .iter()
                .all(|&(value, _)| self.fits(value, step, rows))
            {
                let earliest = |s: &Self| {
                    let outside = operands.iter().filter(|&&(v, _)| !s.made_in(v, step));
                    outside
                        .map(|&(v, _)| s.available(v, false))
                        .max()
                        .unwrap_or(0)
                };
                if earliest(self) <= step {
                    return Some(step);
                }
                if inside(self) && self.is_unread(step) {
                    return Some(self.move_strips(step));
                }
            }
        }
        if !fresh {
            return None;
        }
        let step = self.step();
        self.draft.steps.push(DraftStep::Strips(StripsDraft {
            rows,
            steps: vec![],
            totals: false,
        }));
        self.strips.insert(rows, step);
        Some(step)
    }

    fn has_room(&self, step: u32) -> bool {
        matches!(&self.draft.steps[step as usize], DraftStep::Strips(strips) if strips.steps.len() < MOST_STEPS)
    }

    fn made_in(&self, value: Value, step: u32) -> bool {
        let Value::View(k) = value else { return false };
        let root = &self.draft.roots[self.draft.specs[k as usize].root as usize];
        root.step == step && root.inner.is_some()
    }

    /// An operand that is made in these strips is needed row by row only.
    fn fits(&self, value: Value, step: u32, rows: usize) -> bool {
        let root = match value {
            Value::View(k) => self.draft.specs[k as usize].root,
            Value::Element { root, .. } => root,
            _ => return true,
        };
        let root = &self.draft.roots[root as usize];
        if root.step != step
            || matches!(
                root.source,
                Source::Input(_) | Source::Constant(_) | Source::Scalar(_)
            )
        {
            return true;
        }
        let Value::View(k) = value else { return false };
        root.inner.is_some()
            && is_row_by_row(&self.draft.specs[k as usize], root.len, root.dtype, rows)
    }

    /// Nothing but the strips themselves reads what they make.
    fn is_unread(&self, step: u32) -> bool {
        let DraftStep::Strips(strips) = &self.draft.steps[step as usize] else {
            return false;
        };
        let unread = |root: u32| {
            let root = &self.draft.roots[root as usize];
            !root.outside && root.last_read == step
        };
        strips.steps.iter().flat_map(DraftStep::made).all(unread)
    }

    /// Strips that nothing reads yet run last.
    fn move_strips(&mut self, from: u32) -> u32 {
        let step = self.step();
        let moved = std::mem::replace(&mut self.draft.steps[from as usize], DraftStep::Moved);
        let DraftStep::Strips(strips) = moved else {
            unreachable!("strips")
        };
        let mut reads = vec![];
        for (inner, entry) in strips.steps.iter().enumerate() {
            let mut made = |root: u32| {
                let root = &mut self.draft.roots[root as usize];
                (root.step, root.last_read) = (step, step);
            };
            let inner = inner as u32;
            match entry {
                DraftStep::Group(group) => {
                    for node in &group.nodes {
                        made(node.root);
                        reads.extend(node.operands.iter().map(|&(v, _)| (v, inner, true)));
                    }
                }
                DraftStep::Kernel(kernel) => {
                    made(kernel.root);
                    reads.extend(kernel.operands.iter().map(|&v| (v, inner, false)));
                }
                _ => unreachable!("strips hold groups and kernels"),
            }
        }
        self.strips.insert(strips.rows, step);
        self.draft.steps.push(DraftStep::Strips(strips));
        for (value, inner, in_group) in reads {
            self.read_inside(value, step, inner, in_group);
        }
        step
    }

    /// Notes that a step of some strips reads a value.
    fn read_inside(&mut self, value: Value, step: u32, inner: u32, in_group: bool) {
        if !self.made_in(value, step) {
            return self.read(value, step);
        }
        let Value::View(k) = value else {
            unreachable!("made in strips")
        };
        let Spec { root, whole, .. } = self.draft.specs[k as usize];
        let root = &mut self.draft.roots[root as usize];
        let (made, last) = root.inner.expect("made in strips");
        root.inner = Some((made, last.max(inner)));
        root.stored |= !(in_group && whole && made == inner);
    }

    /// The latest group of the strips that may take a node, else a new one.
    fn inner_group(&mut self, step: u32, operands: &Operands, len: usize) -> u32 {
        let earliest = operands.iter().map(|&(value, _)| {
            let Value::View(k) = value else { return 0 };
            if !self.made_in(value, step) {
                return 0;
            }
            let spec = &self.draft.specs[k as usize];
            let root = &self.draft.roots[spec.root as usize];
            let made = root.inner.map_or(0, |(made, _)| made);
            let in_group = matches!(root.source, Source::Group { .. });
            made + u32::from(!(in_group && spec.whole))
        });
        let earliest = earliest.max().unwrap_or(0) as usize;
        let DraftStep::Strips(strips) = &mut self.draft.steps[step as usize] else {
            unreachable!("strips")
        };
        let takes = |inner: &DraftStep| matches!(inner, DraftStep::Group(group) if group.len == len && group.nodes.len() < LARGE_GROUP);
        if let Some(place) = strips.steps.iter().rposition(takes)
            && place >= earliest
        {
            return place as u32;
        }
        strips
            .steps
            .push(DraftStep::Group(GroupDraft { len, nodes: vec![] }));
        strips.steps.len() as u32 - 1
    }

    fn with_inner<R>(
        &mut self,
        step: u32,
        inner: u32,
        body: impl FnOnce(&mut DraftStep) -> R,
    ) -> R {
        let DraftStep::Strips(strips) = &mut self.draft.steps[step as usize] else {
            unreachable!("strips")
        };
        body(&mut strips.steps[inner as usize])
    }

    /// A step alone needs no strips.
    pub fn unwrap_single_strips(&mut self) {
        for step in &mut self.draft.steps {
            let DraftStep::Strips(strips) = step else {
                continue;
            };
            if strips.steps.len() != 1 {
                continue;
            }
            let only = strips.steps.pop().expect("one");
            let mut alone = |root: u32| self.draft.roots[root as usize].inner = None;
            only.made().for_each(&mut alone);
            *step = only;
        }
    }
}

/// Each row of a view lies in the same row of what it is a view of.
fn is_row_by_row(spec: &Spec, len: usize, dtype: DType, rows: usize) -> bool {
    let (shape, [strides]) = coalesce(&spec.layout.shape, [&spec.layout.strides]);
    let row = (len / rows) as isize;
    let Some((&first, &stride)) = shape.first().zip(strides.first()) else {
        return false;
    };
    if !len.is_multiple_of(rows) || !first.is_multiple_of(rows) {
        return false;
    }
    let inner = (first / rows) as isize;
    let mut rest = Layout {
        shape: shape[1..].into(),
        strides: strides[1..].into(),
    };
    rest.shape.push(first / rows);
    rest.strides.push(stride);
    let (mut low, mut high) = (0, 0);
    for (&n, &stride) in rest.shape.iter().zip(&rest.strides) {
        let reach = (n as isize - 1) * stride;
        low += reach.min(0);
        high += reach.max(0);
    }
    let start = spec.offset / dtype.size() as isize;
    stride * inner == row && start + low >= 0 && start + high < row
}
