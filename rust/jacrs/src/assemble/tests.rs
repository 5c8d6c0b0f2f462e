mod unrolled;

use super::*;
use crate::array::{Array, DType, product};
use crate::execute::{set_num_threads, uninterrupted};
use crate::ir::parse;

/// y = tanh(A x) as a matrix product, `K` lanes, and its reverse.
fn dense_layer(m: usize, n: usize, width: usize, mode: Mode) -> Assembly {
    let early = format!(
        "%0 = input : float64[{m},{n}]
         %1 = input : float64[{n}]
         %2 = reshape(%1) : float64[{n},1]
         %3 = matmul(%0, %2) : float64[{m},1]
         %4 = reshape(%3) : float64[{m}]
         %5 = tanh(%4) : float64[{m}]
         %6 = square(%5) : float64[{m}]
         %7 = const(1.0) : float64[{m}]
         %8 = sub(%7, %6) : float64[{m}]
         return %5, %0, %8"
    );
    let (seeds, results) = if mode == Mode::Forward {
        (n, m)
    } else {
        (m, n)
    };
    let head = format!(
        "%0 = input : float64[{seeds},{width}]
         %1 = input : float64[{m},{n}]
         %2 = input : float64[{m}]
         %3 = reshape(%2) : float64[{m},1]
         %4 = broadcast(%3) : float64[{m},{width}]\n"
    );
    let tail = match mode {
        Mode::Forward => format!(
            "%5 = matmul0(%1, %0) : float64[{results},{width}]
             %6 = mul0(%4, %5) : float64[{results},{width}]
             return %6"
        ),
        Mode::Reverse => format!(
            "%5 = mul0(%4, %0) : float64[{m},{width}]
             %6 = transpose(%1, [1 0]) : float64[{n},{m}]
             %7 = matmul0(%6, %5) : float64[{results},{width}]
             return %7"
        ),
    };
    let (early, late) = (parse(&early).unwrap(), parse(&(head + &tail)).unwrap());
    Assembly::new(&early, &late, 1, mode, width).unwrap()
}

fn layer_inputs(m: usize, n: usize) -> [Array; 2] {
    let a: Vec<f64> = (0..m * n)
        .map(|k| (k as f64 * 0.7).sin() / n as f64)
        .collect();
    let x: Vec<f64> = (0..n).map(|k| (k as f64).cos()).collect();
    [Array::from_slice(&[m, n], &a), Array::from_slice(&[n], &x)]
}

fn run(
    assembly: &Assembly,
    inputs: &[Array],
    y: &[usize],
    shape: &[usize],
) -> (Vec<f64>, Vec<f64>) {
    let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
    let (y, y_out) = Array::uninit(DType::F64, y);
    let (j, j_out) = Array::uninit(DType::F64, shape);
    assembly
        .run(&views, &[y_out], &[j_out], &uninterrupted)
        .unwrap();
    (y.to_vec(), j.to_vec())
}

#[test]
fn both_modes_give_the_jacobian_and_threads_do_not_change_a_bit() {
    let (m, n) = (37, 29);
    let inputs = layer_inputs(m, n);
    let a = inputs[0].to_vec::<f64>();
    for mode in [Mode::Forward, Mode::Reverse] {
        for width in [1, 4, 8, 64] {
            let assembly = dense_layer(m, n, width, mode);
            set_num_threads(1);
            let (y, one) = run(&assembly, &inputs, &[m], &[m, n]);
            for threads in [2, 3] {
                set_num_threads(threads);
                assert_eq!(
                    run(&assembly, &inputs, &[m], &[m, n]),
                    (y.clone(), one.clone())
                );
            }
            set_num_threads(0);
            for (k, value) in one.iter().enumerate() {
                let want = (1.0 - y[k / n] * y[k / n]) * a[k];
                assert!(
                    (value - want).abs() < 1e-14,
                    "{mode:?} {width} {k}: {value} {want}"
                );
            }
        }
    }
}

#[test]
fn several_leaves_share_panels() {
    // Blocks of different shapes, and a panel whose seeds belong to two leaves.
    let early = parse(
        "%0 = input : float64[]
         %1 = input : float64[2,2]
         %2 = add(%0, %0) : float64[]
         return %2, %1, %0",
    )
    .unwrap();
    let late = parse(
        "%0 = input : float64[3]
         %1 = input : float64[2,2,3]
         %2 = input : float64[]
         %3 = broadcast(%2) : float64[3]
         %4 = mul(%3, %0) : float64[3]
         %5 = const(7.0) : float64[2,2,3]
         return %4, %5",
    )
    .unwrap();
    let assembly = Assembly::new(&early, &late, 2, Mode::Forward, 3).unwrap();
    assert_eq!(assembly.panels(), (2, 3));
    let (a, b) = (
        Array::scalar(5.0),
        Array::from_slice(&[2, 2], &[1.0, 2.0, 3.0, 4.0]),
    );
    let shapes: [&[usize]; 6] = [&[], &[2, 2], &[], &[2, 2], &[2, 2], &[2, 2, 2, 2]];
    let (arrays, outs): (Vec<_>, Vec<_>) =
        shapes.iter().map(|s| Array::uninit(DType::F64, s)).unzip();
    let inputs = [a.view().clone(), b.view().clone()];
    for _ in 0..2 {
        assembly
            .run(&inputs, &outs[..2], &outs[2..], &uninterrupted)
            .unwrap();
        let got: Vec<Vec<f64>> = arrays.iter().map(Array::to_vec).collect();
        assert_eq!(got[..2], [vec![10.0], vec![1.0, 2.0, 3.0, 4.0]]);
        assert_eq!(got[2..4], [vec![5.0], vec![0.0; 4]]);
        // A panel that does not depend on the seeds is a constant.
        assert_eq!(got[4..], [vec![7.0; 4], vec![7.0; 16]]);
    }
}

#[test]
fn empty_inputs_and_empty_values() {
    let early = parse("%0 = input : float64[0]\n%1 = const(1.0) : float64[2]\nreturn %1").unwrap();
    let late =
        parse("%0 = input : float64[0,4]\n%1 = const(0.0) : float64[2,4]\nreturn %1").unwrap();
    let assembly = Assembly::new(&early, &late, 1, Mode::Forward, 4).unwrap();
    let x = Array::from_slice::<f64>(&[0], &[]);
    assert_eq!(
        run(&assembly, &[x], &[2], &[2, 0]),
        (vec![1.0, 1.0], vec![])
    );
    let early = parse("%0 = input : float64[2]\n%1 = const(1.0) : float64[0]\nreturn %1").unwrap();
    let late =
        parse("%0 = input : float64[0,4]\n%1 = const(0.0) : float64[2,4]\nreturn %1").unwrap();
    let assembly = Assembly::new(&early, &late, 1, Mode::Reverse, 4).unwrap();
    let x = Array::from_slice(&[2], &[1.0, 2.0]);
    assert_eq!(run(&assembly, &[x], &[0], &[0, 2]), (vec![], vec![]));
}

#[test]
fn singular_points_are_guarded_panel_by_panel() {
    let early =
        parse("%0 = input : float32[3]\n%1 = reciprocal(%0) : float32[3]\nreturn %0, %1").unwrap();
    let late = parse(
        "%0 = input : float32[3,2]
         %1 = input : float32[3]
         %2 = reshape(%1) : float32[3,1]
         %3 = broadcast(%2) : float32[3,2]
         %4 = mul0(%3, %0) : float32[3,2]
         return %4",
    )
    .unwrap();
    let assembly = Assembly::new(&early, &late, 1, Mode::Forward, 2).unwrap();
    let x = Array::from_slice(&[3], &[0.0f32, 2.0, 4.0]);
    let (_y, y_out) = Array::uninit(DType::F32, &[3]);
    let (j, j_out) = Array::uninit(DType::F32, &[3, 3]);
    assembly
        .run(&[x.view().clone()], &[y_out], &[j_out], &uninterrupted)
        .unwrap();
    assert_eq!(
        j.to_vec::<f32>(),
        [f32::INFINITY, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.25]
    );
}

#[test]
fn blocks_may_overlap_the_inputs() {
    let assembly = dense_layer(3, 3, 2, Mode::Forward);
    let inputs = layer_inputs(3, 3);
    let (_, want) = run(&assembly, &inputs, &[3], &[3, 3]);
    let (_y, y_out) = Array::uninit(DType::F64, &[3]);
    let block = Out {
        ptr: inputs[0].view().ptr.cast_mut(),
        dtype: DType::F64,
        shape: [3, 3].as_slice().into(),
    };
    let views = inputs.each_ref().map(|x| x.view().clone());
    assembly
        .run(&views, &[y_out], &[block], &uninterrupted)
        .unwrap();
    assert_eq!(inputs[0].to_vec::<f64>(), want);
}

#[test]
fn interrupts_and_misfits_are_errors() {
    let assembly = dense_layer(3, 2, 2, Mode::Reverse);
    let inputs = layer_inputs(3, 2).map(|x| x.view().clone());
    let (_y, y_out) = Array::uninit(DType::F64, &[3]);
    let (_j, j_out) = Array::uninit(DType::F64, &[2, 3]);
    let error = assembly
        .run(
            &inputs,
            std::slice::from_ref(&y_out),
            &[j_out],
            &uninterrupted,
        )
        .unwrap_err();
    assert_eq!(error.kind, crate::error::Kind::Shape);
    assert!(
        assembly
            .run(&inputs, &[y_out], &[], &uninterrupted)
            .is_err()
    );
    let early = parse("%0 = input : float64[2]\nreturn %0").unwrap();
    let late = parse("%0 = input : float64[3,4]\nreturn %0").unwrap();
    assert!(Assembly::new(&early, &late, 1, Mode::Forward, 2).is_err());
}

#[test]
fn four_threads_use_one_assembly() {
    let assembly = dense_layer(16, 16, 4, Mode::Reverse);
    let inputs = layer_inputs(16, 16);
    let want = run(&assembly, &inputs, &[16], &[16, 16]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(run(&assembly, &inputs, &[16], &[16, 16]), want);
                }
            });
        }
    });
}

/// A function of two arguments through most families of operations, with two results.
const PROGRAM: &str = "
    %0 = input! : float64[4,3]
    %1 = input! : float64[3]
    %2 = reshape(%1) : float64[3,1]
    %3 = matmul(%0, %2) : float64[4,1]
    %4 = reshape(%3) : float64[4]
    %5 = tanh(%4) : float64[4]
    %6 = transpose(%0, [1 0]) : float64[3,4]
    %7 = broadcast(%5) : float64[3,4]
    %8 = mul(%6, %7) : float64[3,4]
    %9 = cumsum(%8, [1]) : float64[3,4]
    %10 = sum(%9, [1]) : float64[3]
    %11 = item(%1, [1 1]) : float64[]
    %12 = exp(%11) : float64[]
    %13 = mul(%12, %11) : float64[]
    %14 = broadcast(%13) : float64[3]
    %15 = add(%10, %14) : float64[3]
    %16 = slice(%15, [2 -1]) : float64[2]
    %17 = assign(%1, %16, [0 1]) : float64[3]
    %18 = iota : int64[3]
    %19 = gather(%0, %18) : float64[3,3]
    %20 = max(%19, [1]) : float64[3]
    %21 = pack(%11, %13, [0 2]) : float64[3]
    %22 = sub(%20, %21) : float64[3]
    return %17, %22";

#[test]
fn derived_halves_give_both_results_by_both_arguments() {
    let g = parse(PROGRAM).unwrap();
    let plan = Plan::new(&g).unwrap();
    let a = Array::from_slice(
        &[4, 3],
        &(0..12)
            .map(|k| f64::from(k * 7 % 12) * 0.1 - 0.4)
            .collect::<Vec<_>>(),
    );
    let inputs = [a, Array::from_slice(&[3], &[0.3, -0.7, 0.45])];
    let values: Vec<Vec<f64>> = plan
        .evaluate(&inputs)
        .unwrap()
        .iter()
        .map(Array::to_vec)
        .collect();
    let differences = differences(&plan, &inputs);
    for mode in [Mode::Forward, Mode::Reverse] {
        for width in [1, 4, 8] {
            let halves = crate::differentiate::linearize(
                &g,
                &g.outputs,
                &g.outputs,
                g.inputs(),
                mode,
                width,
            )
            .unwrap();
            let assembly = Assembly::new(&halves.early, &halves.late, 2, mode, width).unwrap();
            let shapes: [&[usize]; 6] = [&[3], &[3], &[3, 4, 3], &[3, 3], &[3, 4, 3], &[3, 3]];
            let (arrays, outs): (Vec<_>, Vec<_>) =
                shapes.iter().map(|s| Array::uninit(DType::F64, s)).unzip();
            let views = inputs.each_ref().map(|x| x.view().clone());
            assembly
                .run(&views, &outs[..2], &outs[2..], &uninterrupted)
                .unwrap();
            let got: Vec<Vec<f64>> = arrays.iter().map(Array::to_vec).collect();
            assert_eq!(got[..2], values);
            for directions in [1, 5, 16, 100] {
                let (chunked, outs): (Vec<_>, Vec<_>) =
                    shapes.iter().map(|s| Array::uninit(DType::F64, s)).unzip();
                assembly
                    .run_in_chunks(&views, &outs[..2], &outs[2..], directions, &uninterrupted)
                    .unwrap();
                let chunked: Vec<Vec<f64>> = chunked.iter().map(Array::to_vec).collect();
                assert_eq!(chunked, got, "{directions} at a time");
            }
            for (block, want) in got[2..].iter().zip(&differences) {
                for (x, y) in block.iter().zip(want) {
                    assert!((x - y).abs() < 1e-7, "{mode:?} {width}: {block:?} {want:?}");
                }
            }
        }
    }
}

/// Blocks by central differences, in the order of an assembly.
fn differences(plan: &Plan, inputs: &[Array; 2]) -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let mut blocks: Vec<Vec<f64>> = (0..4).map(|k| vec![0.0; 3 * [12, 3][k % 2]]).collect();
    for (j, x) in inputs.iter().enumerate() {
        let n = product(x.shape());
        for e in 0..n {
            let moved = |step: f64| {
                let mut elements = x.to_vec::<f64>();
                elements[e] += step;
                let mut inputs = inputs.clone();
                inputs[j] = Array::from_slice(x.shape(), &elements);
                plan.evaluate(&inputs).unwrap()
            };
            let (above, below) = (moved(STEP), moved(-STEP));
            for i in 0..2 {
                let (up, down) = (above[i].to_vec::<f64>(), below[i].to_vec::<f64>());
                for t in 0..3 {
                    blocks[2 * i + j][t * n + e] = (up[t] - down[t]) / (2.0 * STEP);
                }
            }
        }
    }
    blocks
}
