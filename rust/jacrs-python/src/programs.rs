//! Planned programs: made once for each structure, found again by its fingerprint.

use std::sync::{Arc, Mutex, PoisonError};

use jacrs::array::{Array, DType, Out, View};
use jacrs::assemble::{Assembly, Linear, Places};
use jacrs::differentiate::{self, Maps, Mode};
use jacrs::error::Result;
use jacrs::error::text::tuple;
use jacrs::execute::check_memory;
use jacrs::ir::{Graph, NodeId, Type};
use jacrs::ops::build;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::arrays::new_numpy;
use crate::error::OrRaise;
use crate::jacobians::{assembly, block_types};
use crate::late::Late;
use crate::signals::{detached, run};
use crate::state::State;
use crate::targets::Targets;

/// What a recording is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Values,
    Jvp,
    Vjp,
    Pullback,
    Linear,
    Jacobian(Mode),
}

/// Blocks of a Jacobian beside other values: those of `ys` by `xs`.
#[derive(Clone)]
pub struct Blocks {
    pub ys: Vec<NodeId>,
    pub xs: Vec<NodeId>,
    pub mode: Mode,
}

/// A planned recording with the types of what goes in and comes out.
pub struct Program {
    body: Body,
    ys: Vec<Type>,
    xs: Vec<Type>,
    /// Blocks of a Jacobian, as they are swept.
    blocks: Vec<Type>,
    nodes: usize,
    width: usize,
}

enum Body {
    /// One sweep: values and products together.
    Products(Box<Plan>),
    /// Values first, products as often as they are asked for.
    Split(Box<Plan>, Arc<Late>),
    Linear(Box<Linear>),
    Jacobian(Box<Assembly>, Mode),
}

/// A program with the data of one call.
pub struct Job {
    pub program: Arc<Program>,
    pub inputs: Vec<Array>,
}

/// Seeds that go together in one sweep of a Jacobian.
pub const PANEL: usize = 16;

/// The most recently used programs, newest last; bounded by count, by the size of their graphs and
/// by the memory that they keep for runs to come.
struct Cache {
    entries: Vec<(u128, Arc<Program>)>,
}

const MOST_PROGRAMS: usize = 64;
const MOST_NODES: usize = 8_000_000;
const MOST_KEPT_BYTES: usize = 1 << 30;

static CACHE: Mutex<Cache> = Mutex::new(Cache::EMPTY);

/// Parts of Jacobians, of which a loop may ask for many: they do not crowd out whole functions.
static SLICES: Mutex<Cache> = Mutex::new(Cache::EMPTY);

impl Cache {
    const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    fn find(&mut self, key: u128) -> Option<Arc<Program>> {
        let at = self.entries.iter().rposition(|(k, _)| *k == key)?;
        let entry = self.entries.remove(at);
        let program = entry.1.clone();
        self.entries.push(entry);
        Some(program)
    }

    /// Keeps a program, unless another thread was faster; the one that is kept.
    fn insert(&mut self, key: u128, program: Arc<Program>) -> Arc<Program> {
        if let Some(known) = self.find(key) {
            return known;
        }
        self.entries.push((key, program.clone()));
        while self.entries.len() > 1 && self.is_full() {
            self.entries.remove(0);
        }
        program
    }

    fn is_full(&self) -> bool {
        let total =
            |of: fn(&Program) -> usize| self.entries.iter().map(|(_, p)| of(p)).sum::<usize>();
        self.entries.len() > MOST_PROGRAMS
            || total(|p| p.nodes) > MOST_NODES
            || total(Program::kept_bytes) > MOST_KEPT_BYTES
    }
}

/// The number of programs that are kept planned.
#[pyfunction]
pub fn cached_programs() -> usize {
    lock(&CACHE).entries.len()
}

fn lock(cache: &'static Mutex<Cache>) -> std::sync::MutexGuard<'static, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The dtype of a Jacobian block, whichever way it is swept.
pub fn block_dtype(y: DType, x: DType) -> DType {
    y.to_float().promote(x.to_float())
}

/// The dtype in which a block is swept: that of the panels.
pub fn swept_dtype(y: DType, x: DType, mode: Mode) -> DType {
    match mode {
        Mode::Forward => y.to_float(),
        Mode::Reverse => x.to_float(),
    }
}

/// What a recording is wanted for, apart from the recording.
pub struct Wish {
    key: u128,
    request: Request,
    ys: Vec<NodeId>,
    xs: Vec<NodeId>,
    /// The program, or a copy of what there is none for yet.
    found: Found,
    inputs: Vec<Array>,
}

enum Found {
    Program(Arc<Program>),
    Graph(Box<Graph>),
}

impl Wish {
    /// The program with the data of this call. A large graph takes seconds to plan.
    pub fn planned(self, py: Python<'_>) -> PyResult<Job> {
        let program = match self.found {
            Found::Program(program) => program,
            Found::Graph(graph) => {
                let (request, ys, xs) = (self.request, self.ys, self.xs);
                let made = detached(py, || Program::new(*graph, request, &ys, &xs))?;
                lock(&CACHE).insert(self.key, Arc::new(made))
            }
        };
        Ok(Job {
            program,
            inputs: self.inputs,
        })
    }
}

/// What is wanted of a recording; [`Wish::planned`] finds or makes the program.
pub fn prepare(state: &mut State, request: Request, ys: &[NodeId], xs: &[NodeId]) -> Wish {
    let inputs = state.rec.inputs();
    let key = key(&state.rec.graph, request, ys, xs);
    let found = match lock(&CACHE).find(key) {
        Some(program) => Found::Program(program),
        None => Found::Graph(Box::new(state.rec.graph.clone())),
    };
    Wish {
        key,
        request,
        ys: ys.into(),
        xs: xs.into(),
        found,
        inputs,
    }
}

/// Finds or makes the program for a part of a Jacobian.
pub fn slice_program(
    py: Python<'_>,
    graph: &Graph,
    request: Request,
    ys: &[NodeId],
    xs: &[NodeId],
) -> PyResult<Arc<Program>> {
    let key = key(graph, request, ys, xs);
    if let Some(program) = lock(&SLICES).find(key) {
        return Ok(program);
    }
    let made = detached(py, || Program::new(graph.clone(), request, ys, xs))?;
    Ok(lock(&SLICES).insert(key, Arc::new(made)))
}

/// Finds or makes the program of values, and of blocks of a Jacobian beside them.
pub fn whole_program(
    py: Python<'_>,
    graph: &Graph,
    values: &[NodeId],
    blocks: Option<&Blocks>,
) -> PyResult<Arc<Program>> {
    let key = match blocks {
        None => key(graph, Request::Values, values, &[]),
        Some(blocks) => {
            let mut print = graph.fingerprint();
            print.word(8 + u64::from(blocks.mode == Mode::Reverse));
            for ids in [values, &blocks.ys, &blocks.xs] {
                print.word(ids.len() as u64);
                print.words(ids.iter().map(|id| u64::from(id.0)));
            }
            print.finish()
        }
    };
    if let Some(program) = lock(&CACHE).find(key) {
        return Ok(program);
    }
    let made = own_program(py, graph, values, blocks)?;
    Ok(lock(&CACHE).insert(key, Arc::new(made)))
}

/// The same, made anew and kept by nobody else: of a graph that may be made to be taken for another.
pub fn own_program(
    py: Python<'_>,
    graph: &Graph,
    values: &[NodeId],
    blocks: Option<&Blocks>,
) -> PyResult<Program> {
    detached(py, || match blocks {
        None => Program::new(graph.clone(), Request::Values, values, &[]),
        Some(blocks) => Program::with_blocks(graph.clone(), values, blocks),
    })
}

fn key(graph: &Graph, request: Request, ys: &[NodeId], xs: &[NodeId]) -> u128 {
    let mut print = graph.fingerprint();
    print.word(match request {
        Request::Jvp => 1,
        Request::Vjp => 2,
        Request::Pullback => 3,
        Request::Jacobian(Mode::Forward) => 4,
        Request::Jacobian(Mode::Reverse) => 5,
        Request::Values => 6,
        Request::Linear => 7,
    });
    print.word(ys.len() as u64);
    print.words(ys.iter().chain(xs).map(|id| u64::from(id.0)));
    print.finish()
}

impl Program {
    fn new(mut graph: Graph, request: Request, ys: &[NodeId], xs: &[NodeId]) -> Result<Self> {
        // Integers and bools are results without a derivative: as floats they have a zero one.
        let float_ys: Vec<NodeId> = ys.iter().map(|&y| as_float(&mut graph, y)).collect();
        let ys_types: Vec<Type> = ys.iter().map(|&y| graph.type_of(y)).collect();
        let xs_types: Vec<Type> = xs.iter().map(|&x| graph.type_of(x)).collect();
        let nodes = graph.len();
        let (body, width) = match request {
            Request::Values | Request::Jvp | Request::Vjp => {
                let plan = products_plan(graph, request, ys, &float_ys, xs)?;
                (Body::Products(Box::new(plan)), 1)
            }
            Request::Pullback => {
                let split = differentiate::products(&graph, ys, &float_ys, xs, Mode::Reverse);
                let early = Plan::new(&optimize(&split.early))?;
                let late = Arc::new(Late::new(&split.late, ys.len())?);
                (Body::Split(Box::new(early), late), 1)
            }
            Request::Linear => {
                let maps = Maps::new(&graph, ys, &float_ys, xs);
                let linear = Linear::new(maps, ys.len(), PANEL)?;
                (Body::Linear(Box::new(linear)), 1)
            }
            Request::Jacobian(mode) => {
                let (assembly, width) = assembly(&graph, ys, &float_ys, xs, mode)?;
                (Body::Jacobian(Box::new(assembly), mode), width)
            }
        };
        let blocks = match request {
            Request::Jacobian(mode) => block_types(&ys_types, &xs_types, mode),
            _ => vec![],
        };
        Ok(Self {
            body,
            ys: ys_types,
            xs: xs_types,
            blocks,
            nodes,
            width,
        })
    }
}

impl Program {
    fn with_blocks(mut graph: Graph, values: &[NodeId], blocks: &Blocks) -> Result<Self> {
        let Blocks { ys, xs, mode } = blocks;
        let float_ys: Vec<NodeId> = ys.iter().map(|&y| as_float(&mut graph, y)).collect();
        let types = |ids: &[NodeId]| ids.iter().map(|&id| graph.type_of(id)).collect::<Vec<_>>();
        let (of_values, of_ys, of_xs) = (types(values), types(ys), types(xs));
        let nodes = graph.len();
        let (assembly, width) = assembly(&graph, values, &float_ys, xs, *mode)?;
        Ok(Self {
            body: Body::Jacobian(Box::new(assembly), *mode),
            blocks: block_types(&of_ys, &of_xs, *mode),
            ys: of_values,
            xs: of_xs,
            nodes,
            width,
        })
    }

    /// The types of values, and of blocks beside them.
    pub fn results(&self) -> (&[Type], &[Type]) {
        (&self.ys, &self.blocks)
    }

    /// Element operations of a run.
    pub fn work(&self) -> u64 {
        match &self.body {
            Body::Products(plan) => plan.work(),
            Body::Jacobian(assembly, _) => assembly.work(),
            _ => u64::MAX,
        }
    }

    /// Runs a program of values and blocks; `proceed` is asked when the values are there, and
    /// tells whether the blocks are still wanted.
    ///
    /// # Safety
    /// That of [`Assembly::run_bound`].
    pub unsafe fn run_whole(
        &self,
        places: Places<'_>,
        directions: usize,
        proceed: &dyn Fn() -> bool,
        check: &dyn Fn() -> Result<()>,
    ) -> Result<bool> {
        match &self.body {
            Body::Products(plan) => {
                let inputs = places.inputs.iter().map(|p| p.cast_mut());
                let bases = inputs.chain(places.values.iter().copied());
                // SAFETY: the caller's; inputs are never written.
                unsafe { plan.run_bound(bases, check)? };
                Ok(proceed())
            }
            Body::Jacobian(assembly, _) => {
                // SAFETY: the caller's.
                unsafe { assembly.run_bound(places, directions, proceed, check) }
            }
            _ => unreachable!("prepared whole"),
        }
    }

    /// Whether blocks are only written when the values are known to be wanted.
    pub fn asks_first(&self) -> bool {
        matches!(&self.body, Body::Jacobian(assembly, _) if assembly.asks_first())
    }

    /// The bytes of each input.
    pub fn input_bytes(&self) -> impl Iterator<Item = usize> {
        let types = match &self.body {
            Body::Products(plan) => plan.inputs(),
            Body::Jacobian(assembly, _) => assembly.inputs(),
            _ => &[],
        };
        (types.iter()).map(|t| t.shape.iter().product::<usize>() * t.dtype.size())
    }

    /// Bytes that a run takes beside its results.
    pub fn scratch_bytes(&self) -> usize {
        match &self.body {
            Body::Products(plan) => plan.run_bytes(jacrs::execute::num_threads()),
            Body::Jacobian(assembly, _) => assembly.scratch_bytes(jacrs::execute::num_threads()),
            _ => 0,
        }
    }

    fn kept_bytes(&self) -> usize {
        match &self.body {
            Body::Products(plan) => plan.scratch().kept_bytes(),
            Body::Split(early, late) => early.scratch().kept_bytes() + late.kept_bytes(),
            Body::Linear(program) => program.kept_bytes(),
            Body::Jacobian(assembly, _) => assembly.kept_bytes(),
        }
    }

    /// The halves of a pullback.
    pub fn split(&self) -> (&Plan, &Arc<Late>) {
        let Body::Split(early, late) = &self.body else {
            unreachable!("prepared as a pullback")
        };
        (early, late)
    }

    pub fn linear(&self) -> &Linear {
        let Body::Linear(linear) = &self.body else {
            unreachable!("prepared as a linear map")
        };
        linear
    }
}

pub fn as_float(graph: &mut Graph, y: NodeId) -> NodeId {
    let dtype = graph.dtype(y).to_float();
    build::cast(graph, y, dtype)
}

/// Values and products in one plan; the seeds are its last inputs.
fn products_plan(
    mut graph: Graph,
    request: Request,
    ys: &[NodeId],
    float_ys: &[NodeId],
    xs: &[NodeId],
) -> Result<Plan> {
    let (seeded, swept): (&[NodeId], &[NodeId]) = match request {
        Request::Values => (&[], &[]),
        Request::Jvp => (xs, float_ys),
        _ => (float_ys, xs),
    };
    let seeds: Vec<_> = seeded
        .iter()
        .map(|&x| {
            let shape = graph.dims(x);
            Some(graph.input(graph.dtype(x), &shape, false))
        })
        .collect();
    let products = match request {
        Request::Values => vec![],
        Request::Jvp => differentiate::jvp(&mut graph, float_ys, xs, &seeds),
        _ => differentiate::vjp(&mut graph, float_ys, xs, &seeds),
    };
    let products: Vec<NodeId> = (products.into_iter().zip(swept))
        .map(|(p, &x)| p.unwrap_or_else(|| build::zeros_like(&mut graph, x)))
        .collect();
    graph.outputs = ys.iter().chain(&products).copied().collect();
    Plan::new(&optimize(&graph))
}

/// Arrays for results of these types, and where to write them.
pub fn results(py: Python<'_>, types: &[Type], what: &str) -> PyResult<(Vec<Py<PyAny>>, Vec<Out>)> {
    check_result(types.iter(), what).or_raise(py)?;
    let mut arrays = vec![];
    let mut outs = vec![];
    for Type { dtype, shape } in types {
        let (array, out) = new_numpy(py, *dtype, shape)?;
        arrays.push(array.unbind());
        outs.push(out);
    }
    Ok((arrays, outs))
}

pub fn views(inputs: &[Array]) -> Vec<View> {
    inputs.iter().map(|array| array.view().clone()).collect()
}

pub type Arrays = Vec<Py<PyAny>>;

/// Values and products of a one-sweep program.
pub fn products(py: Python<'_>, job: &Job) -> PyResult<(Arrays, Arrays)> {
    let Body::Products(plan) = &job.program.body else {
        unreachable!("prepared for products")
    };
    let (mut arrays, outs) = results(py, &plan_outputs(plan), "a result")?;
    let inputs = views(&job.inputs);
    run(py, plan.work(), |check| plan.run(&inputs, &outs, check))?;
    let derivatives = arrays.split_off(job.program.ys.len());
    Ok((arrays, derivatives))
}

fn plan_outputs(plan: &Plan) -> Vec<Type> {
    plan.outputs().to_vec()
}

/// Values, and the blocks of the Jacobian, `directions` at a time; `given` are the places for the
/// blocks, if there are any.
pub fn jacobian(
    py: Python<'_>,
    job: &Job,
    directions: Option<usize>,
    given: Option<&[Bound<'_, PyUntypedArray>]>,
) -> PyResult<(Arrays, Vec<Arrays>)> {
    let Program {
        body: Body::Jacobian(assembly, mode),
        ys,
        xs,
        blocks: types,
        ..
    } = &*job.program
    else {
        unreachable!("prepared as a Jacobian")
    };
    let (values, value_outs) = results(py, ys, "a result")?;
    let mut targets = Targets::default();
    let (blocks, block_outs) = places(py, types, given.unwrap_or_default(), &mut targets)?;
    let inputs = views(&job.inputs);
    let directions = directions.unwrap_or(usize::MAX);
    run(py, assembly.work(), |check| {
        assembly.run_in_chunks(&inputs, &value_outs, &block_outs, directions, check)
    })?;
    let mut blocks = blocks.into_iter();
    let mut rows = vec![];
    for y in ys {
        let row = xs.iter().zip(blocks.by_ref());
        rows.push(
            row.map(|(x, block)| {
                widened(
                    py,
                    block,
                    swept_dtype(y.dtype, x.dtype, *mode),
                    block_dtype(y.dtype, x.dtype),
                )
            })
            .collect::<PyResult<_>>()?,
        );
    }
    Ok((values, rows))
}

/// Arrays for blocks of these types, and where to write them: those that are given where they fit.
fn places(
    py: Python<'_>,
    types: &[Type],
    given: &[Bound<'_, PyUntypedArray>],
    targets: &mut Targets,
) -> PyResult<(Arrays, Vec<Out>)> {
    let mut claimed = vec![];
    for (k, kind) in types.iter().enumerate() {
        claimed.push(match given.get(k) {
            Some(array) => targets.claim(py, kind, array)?,
            None => None,
        });
    }
    let new = types.iter().zip(&claimed).filter(|(_, out)| out.is_none());
    check_result(new.map(|(kind, _)| kind), "a dense Jacobian").or_raise(py)?;
    let (mut blocks, mut outs) = (vec![], vec![]);
    for (k, (kind, out)) in types.iter().zip(claimed).enumerate() {
        let (block, out) = match out {
            Some(out) => (given[k].clone().into_any(), out),
            None => new_numpy(py, kind.dtype, &kind.shape)?,
        };
        blocks.push(block.unbind());
        outs.push(out);
    }
    Ok((blocks, outs))
}

/// A block in its own dtype, where it was swept in a narrower one.
fn widened(py: Python<'_>, block: Py<PyAny>, from: DType, to: DType) -> PyResult<Py<PyAny>> {
    if from == to {
        return Ok(block);
    }
    block.call_method1(py, "astype", (to.name(),))
}

/// Refuses a result that the memory at hand cannot hold, before it is allocated.
pub fn check_result<'a>(types: impl Iterator<Item = &'a Type> + Clone, what: &str) -> Result<()> {
    let bytes = types.clone().map(|t| {
        t.shape
            .iter()
            .fold(t.dtype.size(), |n, &d| n.saturating_mul(d))
    });
    check_memory(bytes.fold(0, usize::saturating_add), || {
        let shapes: Vec<_> = types.map(|t| tuple(&t.shape)).collect();
        format!("{what} of shape {}", shapes.join(", "))
    })
}

/// What a program does, in words.
pub fn describe(program: &Program) -> String {
    let width = program.width;
    match &program.body {
        Body::Jacobian(assembly, mode) => {
            let (once, panel) = assembly.summary();
            let (panels, _) = assembly.panels();
            if panels == 0 {
                let way = match mode {
                    Mode::Forward => "forward",
                    Mode::Reverse => "reverse",
                };
                return format!("mode: {way}, entry by entry\nonce: {once}");
            }
            let way = match mode {
                Mode::Forward => "forward (a lane for each input element)",
                Mode::Reverse => "reverse (a lane for each output element)",
            };
            format!(
                "mode: {way}\npanels: {panels} of {width} lanes\nonce: {once}\neach panel: {panel}"
            )
        }
        Body::Products(plan) => plan.to_string(),
        Body::Split(early, late) => format!("once:\n{early}\neach time:\n{}", late.single()),
        Body::Linear(program) => program.to_string(),
    }
}
