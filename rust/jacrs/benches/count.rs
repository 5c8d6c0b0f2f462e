//! Fixed programs on one thread, whose instructions `benches/count.py` counts under valgrind.
//!
//! An argument names the program to run; without one the names are listed.

mod programs;

use std::hint::black_box;

use jacrs::execute::set_num_threads;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

use programs::{elementwise, fused_chain, gradient, inputs, record, scalar_program};

const OPERATIONS: usize = 10_000;
const ELEMENTS: usize = 100_000;

/// The only function in which instructions are counted. Not generic, not inlined: it has one name.
#[inline(never)]
fn counted(run: &mut dyn FnMut()) {
    run();
}

fn replay(graph: &jacrs::ir::Graph) {
    let plan = Plan::new(&optimize(graph)).unwrap();
    let inputs = inputs(graph);
    black_box(plan.evaluate(&inputs).unwrap()); // what only the first run does is not counted
    counted(&mut || {
        black_box(plan.evaluate(&inputs).unwrap());
    });
}

fn scalar_tape() {
    replay(&scalar_program(OPERATIONS));
}

fn fused_group() {
    replay(&fused_chain(ELEMENTS));
}

fn fused_exponential() {
    replay(&elementwise("exp", ELEMENTS));
}

fn recording() {
    counted(&mut || {
        black_box(record(OPERATIONS));
    });
}

fn differentiation() {
    let recorded = record(OPERATIONS).graph;
    counted(&mut || {
        black_box(gradient(&recorded));
    });
}

fn optimization_and_plan() {
    let graph = gradient(&record(OPERATIONS).graph);
    counted(&mut || {
        black_box(Plan::new(&optimize(&graph)).unwrap());
    });
}

const PROGRAMS: [(&str, fn()); 6] = [
    ("scalar-tape", scalar_tape),
    ("fused-group", fused_group),
    ("fused-exponential", fused_exponential),
    ("recording", recording),
    ("differentiation", differentiation),
    ("optimization-and-plan", optimization_and_plan),
];

fn main() {
    set_num_threads(1);
    let asked: Vec<String> = std::env::args().skip(1).collect();
    for (name, run) in PROGRAMS {
        if asked.iter().any(|word| word == name) {
            run();
        } else if asked.iter().all(|word| word.starts_with("--")) {
            println!("{name}");
        }
    }
}
