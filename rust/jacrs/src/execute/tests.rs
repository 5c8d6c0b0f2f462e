//! Plans against the same graph evaluated node by node.

mod choices;
mod interrupts;
#[cfg(target_arch = "x86_64")]
mod native;
mod parts;
mod random;
mod restricted;
mod turns;

use std::fmt::Write;

use proptest::prelude::*;
use random::{inputs_for, random_graph};

use super::*;
use crate::array::DType;
use crate::ir::{Graph, NodeId, Op, parse};
use crate::ops::{Call, Fun, evaluate};
use crate::plan::StripStep;

/// All outputs, one operation at a time; with guarded products where a plan would repeat with them.
fn reference(g: &Graph, inputs: &[Array]) -> Result<Vec<Array>> {
    let plain = node_by_node(g, inputs, false)?;
    let reachable = g.reachable(&g.outputs);
    let guarded = g.ids().any(|id| {
        reachable[id.index()]
            && (g.op(id) == Op::Map(Fun::Mul0)
                || matches!(
                    crate::ops::operation(g.op(id)).name(g.op(id)).as_str(),
                    "matmul0" | "recurrence0" | "recurrence_back0"
                ))
    });
    let finite = plain
        .iter()
        .all(|x| bits(x).iter().all(|&b| is_finite(x.dtype(), b)));
    let exact = node_by_node(g, inputs, true);
    if Plan::new(g).unwrap().is_exact() || (guarded && !finite) {
        return exact;
    }
    let exact = exact?;
    // Where the plain run is taken it is equal to the guarded one, but for the rounding of large
    // products, whose terms the library adds in an order of its own.
    let library = g.ids().any(|id| matches!(g.op(id), Op::MatMul(_)));
    for (a, b) in plain.iter().zip(&exact) {
        assert!(library || bits(a) == bits(b), "a NaN hid on its way");
    }
    Ok(plain)
}

/// The product of a zero and an infinity, hidden by a comparison from the only output.
#[test]
fn a_nan_that_cannot_be_seen_is_not_made() {
    let g = parse(
        "%0 = input : float64[2]
         %1 = reciprocal(%0) : float64[2]
         %2 = mul0(%0, %1) : float64[2]
         %3 = const(-1.0) : float64[2]
         %4 = greater(%2, %3) : bool[2]
         return %4",
    )
    .unwrap();
    let x = Array::from_slice(&[2], &[0.0, 3.0]);
    let plan = Plan::new(&g).unwrap();
    assert!(plan.is_exact());
    assert_eq!(
        plan.evaluate(&[x]).unwrap()[0].to_vec::<bool>(),
        [true, true]
    );
}

fn node_by_node(g: &Graph, inputs: &[Array], exact: bool) -> Result<Vec<Array>> {
    let live = g.reachable(&g.outputs);
    let mut values: Vec<Option<Array>> = vec![None; g.len()];
    for id in g.ids().filter(|id| live[id.index()]) {
        let known = |x: &NodeId| values[x.index()].clone().expect("operands are live");
        let value = if let Op::Input(k) = g.op(id) {
            inputs[k as usize].clone()
        } else {
            let operands: Vec<Array> = g.operands(id).iter().map(known).collect();
            evaluate(&Call::of(g, id, exact), &operands)?
        };
        assert_eq!((value.dtype(), value.shape()), (g.dtype(id), g.shape(id)));
        values[id.index()] = Some(value);
    }
    let outputs = g.outputs.iter().map(|x| values[x.index()].clone());
    Ok(outputs.map(|x| x.expect("outputs are live")).collect())
}

fn is_finite(dtype: DType, bits: u64) -> bool {
    match dtype {
        DType::F64 => f64::from_bits(bits).is_finite(),
        DType::F32 => f32::from_bits(bits as u32).is_finite(),
        _ => true,
    }
}

/// The elements as words, every NaN alike.
fn bits(x: &Array) -> Vec<u64> {
    match x.dtype() {
        DType::F64 => {
            let canonical = |v: f64| if v.is_nan() { f64::NAN } else { v };
            x.to_vec::<f64>()
                .into_iter()
                .map(|v| canonical(v).to_bits())
                .collect()
        }
        DType::F32 => {
            let canonical = |v: f32| if v.is_nan() { f32::NAN } else { v };
            x.to_vec::<f32>()
                .into_iter()
                .map(|v| u64::from(canonical(v).to_bits()))
                .collect()
        }
        DType::I64 => x
            .to_vec::<i64>()
            .into_iter()
            .map(i64::cast_unsigned)
            .collect(),
        _ => x.to_vec::<bool>().into_iter().map(u64::from).collect(),
    }
}

fn check(g: &Graph, inputs: &[Array]) {
    let plan = Plan::new(g).unwrap();
    // A factorisation may not converge: then it does so either way.
    let (mut got, want) = match (plan.evaluate(inputs), reference(g, inputs)) {
        (Ok(got), Ok(want)) => (got, want),
        (got, want) => {
            let kinds = [got, want].map(|result| result.err().map(|e| e.kind));
            return assert_eq!(kinds[0], kinds[1], "{}", crate::ir::print(g));
        }
    };
    if plan.summary().scalar_instructions > 0 {
        // Often enough for machine code.
        for _ in 0..4 {
            got = plan.evaluate(inputs).unwrap();
        }
    }
    for (k, (a, b)) in got.iter().zip(&want).enumerate() {
        assert_eq!(
            bits(a),
            bits(b),
            "output {k} of\n{}with {plan}",
            crate::ir::print(g)
        );
    }
}

/// Random graphs must reach every kind of step, or the comparison above says little.
#[test]
fn random_graphs_reach_everything() {
    let mut seed = 7u64;
    let mut total = crate::plan::Summary::default();
    let (mut in_place, mut copied, mut turns) = (0, 0, 0);
    for _ in 0..200 {
        let choices: Vec<u16> = (0..300)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (seed >> 40) as u16
            })
            .collect();
        let g = random_graph(&choices);
        check(&g, &inputs_for(&g, &choices));
        let plan = Plan::new(&g).unwrap();
        let summary = plan.summary();
        total.scalar_instructions += summary.scalar_instructions;
        total.block_instructions += summary.block_instructions;
        total.groups += summary.groups;
        total.copies += summary.copies;
        turns += turns::pairs(&plan);
        for step in plan.steps() {
            if let Step::Kernel(kernel) = step
                && crate::ops::operation(kernel.calls[0].op).updates_first()
            {
                *(if kernel.copies_first {
                    &mut copied
                } else {
                    &mut in_place
                }) += 1;
            }
        }
    }
    assert!(
        total.scalar_instructions > 500 && total.block_instructions > 2 * total.groups,
        "{total}"
    );
    assert!(
        total.copies > 100 && in_place > 20 && copied > 20 && turns > 20,
        "{total}, {in_place}, {copied}, {turns}"
    );
}

fn text(text: &str, inputs: &[Array]) -> (Plan, Vec<Array>) {
    let g = parse(text).unwrap();
    check(&g, inputs);
    let plan = Plan::new(&g).unwrap();
    let outputs = plan.evaluate(inputs).unwrap();
    (plan, outputs)
}

fn vector(n: usize) -> Array {
    Array::from_slice(&[n], &(0..n).map(|i| i as f64 - 3.5).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2000, ..ProptestConfig::default() })]
    #[test]
    fn plans_agree_with_single_operations(choices in prop::collection::vec(any::<u16>(), 20..400)) {
        let g = random_graph(&choices);
        check(&g, &inputs_for(&g, &choices));
    }
}

#[test]
fn scalars_run_on_a_tape() {
    let (plan, y) = text(
        "%0 = input : float64[3]
         %1 = item(%0, [0 1]) : float64[]
         %2 = item(%0, [2 1]) : float64[]
         %3 = mul(%1, %2) : float64[]
         %4 = const(2.0) : float64[]
         %5 = add(%3, %4) : float64[]
         %6 = less(%5, %1) : bool[]
         %7 = where(%6, %5, %3) : float64[]
         %8 = pack(%7, %5, [0 3]) : float64[4]
         return %8, %6, %5",
        &[vector(3)],
    );
    let summary = plan.summary();
    assert_eq!((summary.tapes, summary.groups, summary.kernels), (1, 0, 0));
    assert_eq!(y[0].to_vec::<f64>(), [5.25, 0.0, 0.0, 7.25]);
}

#[test]
fn constants_are_repeated_in_every_strip() {
    let x = Array::from_slice(&[6, 50], &[0.5; 300]);
    let (plan, y) = text(
        "%0 = input : float64[6,50]
         %1 = mul(%0, %0) : float64[6,50]
         %2 = sum(%1, [1]) : float64[6]
         %3 = const(3.0) : float64[6]
         %4 = mul(%2, %3) : float64[6]
         return %4",
        &[x],
    );
    let cut = |step: &Step| matches!(step, Step::Strips(strips) if strips.depth > 0);
    assert!(plan.steps().iter().any(cut), "{plan}");
    assert_eq!(y[0].to_vec::<f64>(), [37.5; 6]);
}

#[test]
fn the_memory_of_strips_is_counted_for_each_thread() {
    let x = Array::from_slice(&[4000, 50], &vec![0.5; 200_000]);
    let (plan, _) = text(
        "%0 = input : float64[4000,50]
         %1 = sin(%0) : float64[4000,50]
         %2 = sum(%1, [1]) : float64[4000]
         return %2",
        &[x],
    );
    let strips = plan.steps().iter().filter_map(|step| match step {
        Step::Strips(strips) => Some(strips.bytes),
        _ => None,
    });
    let largest = strips.max().expect("it runs in strips");
    assert!(largest > 0, "{plan}");
    assert_eq!(plan.run_bytes(3), plan.scratch_bytes() + 3 * largest);
}

#[test]
fn arrays_of_no_elements_are_not_cut() {
    let x = Array::from_slice(&[6, 50], &[0.5; 300]);
    let (plan, y) = text(
        "%0 = input : float64[6,50]
         %1 = mul(%0, %0) : float64[6,50]
         %2 = slice(%1, [0 1 0 1]) : float64[6,0]
         %3 = add(%2, %2) : float64[6,0]
         return %1, %3",
        &[x],
    );
    let empty = |step: &StripStep| matches!(step, StripStep::Group(group) if group.len == 0);
    for step in plan.steps() {
        assert!(!matches!(step, Step::Strips(strips) if strips.steps.iter().any(empty)));
    }
    assert_eq!(y[1].shape(), [6, 0]);
}

#[test]
fn elementwise_chains_need_no_memory() {
    let (plan, _) = text(
        "%0 = input : float64[3000]
         %1 = sin(%0) : float64[3000]
         %2 = reshape(%1) : float64[30,100]
         %3 = const(2.0) : float64[30,100]
         %4 = mul(%2, %3) : float64[30,100]
         %5 = reshape(%4) : float64[3000]
         %6 = add(%5, %0) : float64[3000]
         return %6",
        &[vector(3000)],
    );
    assert_eq!(plan.summary().groups, 1);
    assert!(plan.scratch_bytes() <= 64, "{plan}");
}

#[test]
fn outputs_of_every_kind() {
    text(
        "%0 = input : float64[6]
         %1 = const(7.0) : float32[2,2]
         %2 = const(1) : int64[]
         %3 = exp(%0) : float64[6]
         %4 = reshape(%3) : float64[2,3]
         %5 = transpose(%4, [1 0]) : float64[3,2]
         %6 = item(%3, [1 1]) : float64[]
         %7 = sqrt(%6) : float64[]
         %8 = broadcast(%7) : float64[4]
         %9 = stop_gradient(%0) : float64[6]
         return %0, %0, %1, %2, %3, %4, %3, %5, %6, %7, %8, %9",
        &[vector(6)],
    );
}

#[test]
fn updates_happen_in_place_when_they_may() {
    // A chain of updates of a value nobody else reads lives in the output.
    let chain = "%0 = input : float64[1000]
         %1 = input : float64[2]
         %2 = exp(%0) : float64[1000]
         %3 = assign(%2, %1, [0 1]) : float64[1000]
         %4 = add_at(%3, %1, [1 1]) : float64[1000]
         return %4";
    let (plan, _) = text(chain, &[vector(1000), vector(2)]);
    assert!(plan.scratch_bytes() < 1000, "{plan}");
    // Read again later, it is copied; so are inputs and constants.
    let kept = "%0 = input : float64[1000]
         %1 = input : float64[2]
         %2 = exp(%0) : float64[1000]
         %3 = assign(%2, %1, [0 1]) : float64[1000]
         %4 = add_at(%0, %1, [1 1]) : float64[1000]
         %5 = const(3.0) : float64[1000]
         %6 = assign(%5, %1, [7 -1]) : float64[1000]
         %7 = slice(%2, [999 -1]) : float64[1000]
         %8 = add(%3, %7) : float64[1000]
         %9 = slice(%6, [0 1]) : float64[2]
         %10 = assign(%6, %9, [500 2]) : float64[1000]
         return %4, %8, %3, %10";
    text(kept, &[vector(1000), vector(2)]);
}

#[test]
fn buffers_are_used_again() {
    let mut lines = String::from("%0 = input : float64[40,40]\n");
    for k in 1..30 {
        let name = if k % 2 == 0 {
            format!("tanh(%{})", k - 1)
        } else {
            format!("matmul(%{0}, %{0})", k - 1)
        };
        let _ = writeln!(lines, "%{k} = {name} : float64[40,40]");
    }
    lines += "return %29";
    let x = Array::from_slice(&[40, 40], &vec![0.01; 1600]);
    let (plan, _) = text(&lines, &[x]);
    assert!(plan.scratch_bytes() <= 3 * 1600 * 8 + 64, "{plan}");
}

#[test]
fn guarded_products_run_again_only_where_needed() {
    let g = parse(
        "%0 = input : float64[2]
         %1 = input : float64[2]
         %2 = mul0(%0, %1) : float64[2]
         %3 = item(%0, [0 1]) : float64[]
         %4 = item(%1, [0 1]) : float64[]
         %5 = mul0(%3, %4) : float64[]
         return %2, %5",
    )
    .unwrap();
    let plan = Plan::new(&g).unwrap();
    assert!(plan.contains_guards());
    let run = |a: &[f64], b: &[f64]| {
        let y = plan
            .evaluate(&[Array::from_slice(&[2], a), Array::from_slice(&[2], b)])
            .unwrap();
        (y[0].to_vec::<f64>(), y[1].to_vec::<f64>()[0])
    };
    assert_eq!(
        run(&[0.0, 2.0], &[f64::INFINITY, 3.0]),
        (vec![0.0, 6.0], 0.0)
    );
    assert!(run(&[-1.0, 2.0], &[0.0, 3.0]).1.is_sign_negative());
    assert_eq!(run(&[1.0, 2.0], &[f64::INFINITY, 3.0]).1, f64::INFINITY);
}

#[test]
fn strided_and_overlapping_arguments_are_copied_once() {
    let g =
        parse("%0 = input : float64[4]\n%1 = slice(%0, [3 -1]) : float64[4]\nreturn %1").unwrap();
    let plan = Plan::new(&g).unwrap();
    let x = vector(8);
    let every_other = Layout {
        shape: [4].as_slice().into(),
        strides: [2].as_slice().into(),
    };
    let strided = x.relaid(1, every_other);
    assert_eq!(
        plan.evaluate(&[strided]).unwrap()[0].to_vec::<f64>(),
        [3.5, 1.5, -0.5, -2.5]
    );
    // The output is the input.
    let (y, out) = Array::uninit(DType::F64, &[4]);
    // SAFETY: room for four elements.
    unsafe { std::ptr::copy_nonoverlapping(x.view().ptr, out.ptr, 32) };
    plan.run(&[y.view().clone()], &[out], &uninterrupted)
        .unwrap();
    assert_eq!(y.to_vec::<f64>(), [-0.5, -1.5, -2.5, -3.5]);
}

#[test]
fn misfits_are_typed_errors() {
    use crate::error::Kind;
    let plan =
        Plan::new(&parse("%0 = input : float64[4]\n%1 = neg(%0) : float64[4]\nreturn %1").unwrap())
            .unwrap();
    let kind = |inputs: &[Array]| plan.evaluate(inputs).err().unwrap().kind;
    assert_eq!(kind(&[]), Kind::Value);
    assert_eq!(kind(&[vector(3)]), Kind::Shape);
    assert_eq!(kind(&[Array::from_slice(&[4], &[1i64; 4])]), Kind::Type);
}

#[test]
fn interrupts_end_a_run() {
    let mut lines = String::from("%0 = input : float64[100000]\n");
    for k in 0..20 {
        let (x, order, y) = (3 * k, 3 * k + 1, 3 * k + 3);
        let _ = writeln!(lines, "%{order} = argsort(%{x}, [0]) : int64[100000]");
        let _ = writeln!(lines, "%{} = cast(%{order}) : float64[100000]", order + 1);
        let _ = writeln!(lines, "%{y} = sin(%{}) : float64[100000]", order + 1);
    }
    let plan = Plan::new(&parse(&(lines + "return %60")).unwrap()).unwrap();
    let x = vector(100_000);
    let (_y, out) = Array::uninit(DType::F64, &[100_000]);
    let stop = || Err(Error::value("stopped"));
    assert_eq!(
        plan.run(&[x.view().clone()], &[out], &stop)
            .unwrap_err()
            .message,
        "stopped"
    );
}

#[test]
fn many_numbers_are_many_outputs() {
    let mut lines = String::from("%0 = input : float64[500]\n");
    let mut names = vec![];
    for k in 0..500 {
        let _ = writeln!(
            lines,
            "%a{k} = item(%0, [{k} 1]) : float64[]\n%b{k} = neg(%a{k}) : float64[]"
        );
        names.push(format!("%b{k}, %a{k}"));
    }
    let (plan, y) = text(
        &format!("{lines}return {}", names.join(", ")),
        &[vector(500)],
    );
    assert_eq!(
        (y[998].to_vec::<f64>()[0], y[999].to_vec::<f64>()[0]),
        (-495.5, 495.5)
    );
    assert_eq!(plan.summary().copies, 0);
}

#[test]
fn kernels_report_their_errors() {
    let g = parse(
        "%0 = input : float64[2]\n%1 = input : int64[1]\n%2 = gather(%0, %1) : float64[1]\nreturn %2",
    )
    .unwrap();
    let plan = Plan::new(&g).unwrap();
    let index = Array::from_slice(&[1], &[5i64]);
    assert_eq!(
        plan.evaluate(&[vector(2), index]).err().unwrap().kind,
        crate::error::Kind::Index
    );
}

#[test]
fn four_threads_run_one_plan() {
    let mut lines = String::from("%0 = input : float64[300]\n%1 = sin(%0) : float64[300]\n");
    for k in 2..40 {
        let op = if k % 7 == 0 {
            "cumsum(%{}, [0])"
        } else {
            "sin(%{})"
        };
        let _ = writeln!(
            lines,
            "%{k} = {} : float64[300]",
            op.replace("{}", &(k - 1).to_string())
        );
    }
    lines += "%40 = item(%39, [7 1]) : float64[]\n%41 = exp(%40) : float64[]\nreturn %39, %41";
    let g = parse(&lines).unwrap();
    let plan = Plan::new(&g).unwrap();
    std::thread::scope(|scope| {
        for t in 0..4 {
            let (plan, g) = (&plan, &g);
            scope.spawn(move || {
                let x = vector(300 + t).relaid(t as isize, Layout::contiguous(&[300]));
                let want: Vec<_> = reference(g, std::slice::from_ref(&x))
                    .unwrap()
                    .iter()
                    .map(bits)
                    .collect();
                for _ in 0..50 {
                    let got: Vec<_> = plan
                        .evaluate(std::slice::from_ref(&x))
                        .unwrap()
                        .iter()
                        .map(bits)
                        .collect();
                    assert_eq!(got, want);
                }
            });
        }
    });
}

#[test]
fn large_groups_are_shared_by_threads() {
    let n = 700_000;
    let g = parse(&format!(
        "%0 = input : float64[{n}]
         %1 = input : float64[{h},2]
         %2 = transpose(%1, [1 0]) : float64[2,{h}]
         %3 = reshape(%0) : float64[2,{h}]
         %4 = mul(%3, %2) : float64[2,{h}]
         %5 = sin(%4) : float64[2,{h}]
         return %5",
        h = n / 2
    ))
    .unwrap();
    check(
        &g,
        &[
            vector(n),
            vector(n).relaid(0, Layout::contiguous(&[n / 2, 2])),
        ],
    );
}

#[test]
fn large_gathers_are_shared_by_threads() {
    let n = 300_000usize;
    let text = |shape: &str| {
        format!(
            "%0 = input : float64[1000]
             %1 = slice(%0, [999 -2]) : float64[500]
             %2 = input : int64[{shape}]
             %3 = gather(%1, %2) : float64[{shape}]
             return %3"
        )
    };
    let places: Vec<i64> = (0..n as i64).map(|k| k * 7919 % 1000 - 500).collect();
    let flat = Array::from_slice(&[n], &places);
    check(
        &parse(&text("300000")).unwrap(),
        &[vector(1000), flat.clone()],
    );
    let turned = flat.relaid(0, Layout::contiguous(&[1000, 300]));
    let turned = turned.relaid(0, turned.view().layout.transpose(&[1, 0]));
    let g = parse(&text("300,1000")).unwrap();
    check(&g, &[vector(1000), turned]);
    // What is out of bounds is found wherever it is, the first by its place.
    let mut places = places;
    (places[n - 1], places[n / 2]) = (500, -501);
    let wrong = Array::from_slice(&[n], &places);
    let plan = Plan::new(&parse(&text("300000")).unwrap()).unwrap();
    let error = plan.evaluate(&[vector(1000), wrong]).err().unwrap();
    assert_eq!(error, crate::error::text::out_of_bounds(-501, 0, 500));
}
