//! Prints where the time of a run goes: `cargo run --release --example profile -- DIRECTORY`, with
//! the text of a graph in `graph.txt`, and elements of input `k` in `k.bin` if they matter.

use std::path::Path;
use std::time::Instant;

use jacrs::array::{Array, DType, Out, View, product};
use jacrs::assemble::{Assembly, Mode};
use jacrs::execute::uninterrupted;
use jacrs::ir::{Graph, parse};
use jacrs::optimize::optimize;
use jacrs::plan::Plan;

fn load(file: &Path) -> Graph {
    parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn input(folder: &Path, k: usize, dtype: DType, shape: &[usize]) -> Array {
    let bytes = std::fs::read(folder.join(format!("{k}.bin"))).unwrap_or_default();
    let words = || bytes.chunks_exact(8).map(|c| c.try_into().unwrap());
    let n = product(shape);
    match dtype {
        DType::F64 if bytes.len() == 8 * n => {
            Array::from_slice(shape, &words().map(f64::from_le_bytes).collect::<Vec<_>>())
        }
        DType::I64 if bytes.len() == 8 * n => {
            Array::from_slice(shape, &words().map(i64::from_le_bytes).collect::<Vec<_>>())
        }
        DType::I64 => Array::from_slice(shape, &vec![0i64; n]),
        _ => Array::from_slice(
            shape,
            &(0..n)
                .map(|i| 0.5 + 0.4 * (i as f64 * 0.37).sin())
                .collect::<Vec<_>>(),
        ),
    }
}

fn best(mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    let mut n = 0;
    while (begin.elapsed().as_secs_f64() < 0.5 && n < 2000) || n < 3 {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed().as_secs_f64());
        n += 1;
    }
    best * 1e6
}

fn profile(plan: &Plan, inputs: &[Array], brief: bool) {
    println!("{plan}");
    let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
    let (_r, outs): (Vec<Array>, Vec<Out>) = plan
        .outputs()
        .iter()
        .map(|t| Array::uninit(t.dtype, &t.shape))
        .unzip();
    println!(
        "    run {:10.2} us",
        best(|| plan.run(&views, &outs, &uninterrupted).unwrap())
    );
    let mut sum = 0.0;
    let mut rows: Vec<(f64, usize, String)> = vec![];
    for (name, time) in plan.profile(inputs, 20).unwrap() {
        let us = time.as_secs_f64() * 1e6;
        sum += us;
        if brief {
            match rows.iter_mut().find(|r| r.2 == name) {
                Some(row) => {
                    row.0 += us;
                    row.1 += 1;
                }
                None => rows.push((us, 1, name)),
            }
        } else {
            rows.push((us, 1, name));
        }
    }
    if brief {
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        rows.truncate(25);
    }
    for (us, n, name) in rows {
        println!("{us:10.2} {n:5} {}", &name[..name.len().min(420)]);
    }
    println!("    sum {sum:10.2} us");
}

fn main() {
    for folder in std::env::args().skip(1) {
        let folder = Path::new(&folder);
        println!("== {}", folder.display());
        if folder.join("graph.txt").exists() {
            let graph = optimize(&load(&folder.join("graph.txt")));
            let plan = Plan::new(&graph).unwrap();
            let inputs: Vec<Array> = (plan.inputs().iter().enumerate())
                .map(|(k, t)| input(folder, k, t.dtype, &t.shape))
                .collect();
            profile(&plan, &inputs, plan.steps().len() > 80);
            continue;
        }
        let (early, late) = (
            load(&folder.join("early.txt")),
            load(&folder.join("late.txt")),
        );
        let (early, late) = (optimize(&early), optimize(&late));
        let text = std::fs::read_to_string(folder.join("mode.txt")).unwrap();
        let parts: Vec<&str> = text.split(' ').collect();
        let mode = if parts[0] == "Forward" {
            Mode::Forward
        } else {
            Mode::Reverse
        };
        let (values, width): (usize, usize) =
            (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        let plan = Plan::new(&early).unwrap();
        let inputs: Vec<Array> = (plan.inputs().iter().enumerate())
            .map(|(k, t)| input(folder, k, t.dtype, &t.shape))
            .collect();
        let assembly = Assembly::new(&early, &late, values, mode, width).unwrap();
        let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
        let (_r, outs): (Vec<Array>, Vec<Out>) = plan.outputs()[..values]
            .iter()
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .unzip();
        let (panels, _) = assembly.panels();
        let swept = late.outputs.iter().map(|&y| late.shape(y).to_vec());
        let seeded = late.inputs()[..1].iter().map(|&y| late.shape(y).to_vec());
        let strip = |v: Vec<usize>| v[..v.len() - 1].to_vec();
        let (y, x) = if mode == Mode::Forward {
            (swept, seeded.collect::<Vec<_>>())
        } else {
            panic!()
        };
        let y: Vec<_> = y.collect();
        let shape: Vec<usize> = [strip(y[0].clone()), strip(x[0].clone())].concat();
        let (_b, block) = Array::uninit(DType::F64, &shape);
        println!(
            "Jacobian {:10.2} us, {panels} panels of {width}",
            best(|| assembly
                .run(&views, &outs, std::slice::from_ref(&block), &uninterrupted)
                .unwrap())
        );
        profile(&plan, &inputs, plan.steps().len() > 80);
        let residuals = plan.evaluate(&inputs).unwrap().split_off(values);
        let plan = Plan::new(&late).unwrap();
        let given = plan.inputs().len() - residuals.len();
        let mut inputs: Vec<Array> = (plan.inputs()[..given].iter())
            .map(|t| input(Path::new("/none"), 0, t.dtype, &t.shape))
            .collect();
        inputs.extend(residuals);
        profile(&plan, &inputs, plan.steps().len() > 80);
    }
}
