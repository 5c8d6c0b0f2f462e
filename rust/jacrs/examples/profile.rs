//! Prints where the time of a run goes: `cargo run --release --example profile -- DIRECTORY ...`,
//! each with the text of a graph in `graph.txt`, and the elements of input `k`, as memory has them,
//! in `k.bin` if they matter.

use std::path::Path;
use std::time::{Duration, Instant};

use jacrs::array::{Array, DType, Out, View, product};
use jacrs::execute::uninterrupted;
use jacrs::ir::parse;
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

/// More lines than this are summed up by what the steps do.
const LINES: usize = 60;

/// Elements from a file, or else numbers between 0.1 and 0.9; integers are zero.
fn input(file: &Path, dtype: DType, shape: &[usize]) -> Array {
    let (array, out) = Array::uninit(dtype, shape);
    let bytes = product(shape) * dtype.size();
    let given = std::fs::read(file).ok().filter(|b| b.len() == bytes);
    let made = || -> Vec<u8> {
        let number = |i: usize| 0.5 + 0.4 * (i as f64 * 0.37).sin();
        let numbers = (0..product(shape)).map(number);
        match dtype {
            DType::F64 => numbers.flat_map(f64::to_le_bytes).collect(),
            DType::F32 => numbers.flat_map(|x| (x as f32).to_le_bytes()).collect(),
            _ => vec![0; bytes],
        }
    };
    let content = given.unwrap_or_else(made);
    // SAFETY: the array has as many bytes as the content.
    unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), out.ptr, bytes) }
    array
}

/// The fastest of some runs.
fn fastest(plan: &Plan, inputs: &[Array]) -> Duration {
    let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
    let types = plan.outputs().iter();
    let (_arrays, outs): (Vec<Array>, Vec<Out>) =
        types.map(|t| Array::uninit(t.dtype, &t.shape)).unzip();
    let runs = (0..100).map(|_| {
        let start = Instant::now();
        plan.run(&views, &outs, &uninterrupted).unwrap();
        start.elapsed()
    });
    runs.min().unwrap()
}

fn main() {
    for folder in std::env::args().skip(1) {
        let folder = Path::new(&folder);
        let text = std::fs::read_to_string(folder.join("graph.txt")).unwrap();
        let plan = Plan::new(&optimize(&parse(&text).unwrap())).unwrap();
        let types = plan.inputs().iter().enumerate();
        let inputs: Vec<Array> = types
            .map(|(k, t)| input(&folder.join(format!("{k}.bin")), t.dtype, &t.shape))
            .collect();
        println!(
            "{}: {:.2?}, {plan}",
            folder.display(),
            fastest(&plan, &inputs)
        );
        let mut lines: Vec<(String, Duration, usize)> = vec![];
        for (name, time) in plan.profile(&inputs, 20).unwrap() {
            let same = lines.iter_mut().find(|line| line.0 == name);
            match same.filter(|_| plan.steps().len() > LINES) {
                Some((_, total, count)) => {
                    *total += time;
                    *count += 1;
                }
                None => lines.push((name, time, 1)),
            }
        }
        for (name, time, count) in lines {
            println!("{time:>12.2?} {count:>5}  {name}");
        }
    }
}
