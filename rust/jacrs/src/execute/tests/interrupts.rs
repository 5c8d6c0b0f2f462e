//! How much is done between two looks for an interrupt: counted, so that no clock is needed.

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::error::Error;
use crate::interrupt::interruptible;

/// Elements of the operands, with which work is counted below.
const N: usize = 1 << 20;
/// Elements, or operations on them, that may be done without a look: a few milliseconds.
const MOST: usize = 1 << 18;

/// Programs that are one long step each, with their work in elements.
fn programs() -> Vec<(String, usize)> {
    let vector = format!("%0 = input : float64[{N}]\n");
    let matrix = "%0 = input : float64[1024,1024]\n";
    let stack = "%0 = input : float64[4096,16,16]\n";
    let last = |head: &str, line: String| format!("{head}%1 = {line}\nreturn %1");
    let mut programs: Vec<(String, usize)> = [
        (last(&vector, format!("sin(%0) : float64[{N}]")), N),
        (last(&vector, format!("argsort(%0, [0]) : int64[{N}]")), N),
        (last(&vector, format!("cumsum(%0, [0]) : float64[{N}]")), N),
        (last(&vector, "sum(%0, [0]) : float64[]".into()), N),
        (last(&vector, "prod(%0, [0]) : float64[]".into()), N),
        (last(&vector, "argmax(%0, [0]) : int64[]".into()), N),
        (last(matrix, "sum(%0, [0]) : float64[1024]".into()), N),
        (last(stack, "svd(%0) : float64[4096,528]".into()), 16 * N),
        (last(stack, "lu(%0) : float64[4096,272]".into()), 16 * N),
    ]
    .into();
    let rows = format!("{vector}%1 = input : int64[{N}]\n");
    programs.push((
        format!("{rows}%2 = gather(%0, %1) : float64[{N}]\nreturn %2"),
        N,
    ));
    programs.push((
        format!("{rows}%2 = scatter_add(%0, %1, %0) : float64[{N}]\nreturn %2"),
        N,
    ));
    programs.push((
        format!("{matrix}%1 = transpose(%0, [1 0]) : float64[1024,1024]\n%2 = reshape(%1) : float64[1048576]\nreturn %2"),
        N,
    ));
    programs
}

fn inputs(g: &Graph) -> Vec<Array> {
    (g.inputs().iter())
        .map(|&id| {
            let (shape, n) = (g.shape(id), g.size(id));
            if g.dtype(id) == DType::I64 {
                let data: Vec<i64> = (0..n as i64).map(|i| i * 7919 % n as i64).collect();
                return Array::from_slice(shape, &data);
            }
            let data: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).sin()).collect();
            Array::from_slice(shape, &data)
        })
        .collect()
}

/// How often a check is called in `work`, which it never ends.
fn looks(work: impl FnOnce(&dyn Fn() -> Result<()>)) -> usize {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let check = move || {
        seen.set(seen.get() + 1);
        Ok(())
    };
    interruptible(Rc::new(check.clone()), || {
        work(&check);
        Ok(())
    })
    .unwrap();
    count.get()
}

#[test]
fn every_long_step_is_looked_up_from() {
    set_num_threads(1); // others look for their caller
    for (text, work) in programs() {
        let g = parse(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let inputs = inputs(&g);
        let on_demand = looks(|_| {
            let mut known: Vec<Array> = vec![];
            for id in g.ids() {
                known.push(match g.op(id) {
                    Op::Input(k) => inputs[k as usize].clone(),
                    _ => {
                        let operands: Vec<Array> = g
                            .operands(id)
                            .iter()
                            .map(|x| known[x.index()].clone())
                            .collect();
                        evaluate(&Call::of(&g, id, false), &operands).unwrap()
                    }
                });
            }
        });
        assert!(
            on_demand >= work / MOST,
            "{on_demand} looks on demand: {text}"
        );
        let plan = Plan::new(&g).unwrap();
        let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
        let outs: Vec<_> = (plan.outputs().iter())
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .collect();
        let planned = looks(|check| {
            let outs: Vec<Out> = outs.iter().map(|(_, out)| out.clone()).collect();
            plan.run(&views, &outs, check).unwrap();
        });
        assert!(planned >= work / MOST, "{planned} looks in a plan: {text}");
    }
    set_num_threads(0);
}

/// Products are counted by themselves: the library does many of them in a millisecond.
#[test]
fn a_large_product_is_made_in_tiles() {
    const SIDE: usize = 1300;
    let g = parse(&format!(
        "%0 = input : float64[{SIDE},{SIDE}]\n%1 = matmul(%0, %0) : float64[{SIDE},{SIDE}]\nreturn %1"
    ))
    .unwrap();
    let x = inputs(&g).remove(0);
    let call = Call::of(&g, g.outputs[0], false);
    let count = looks(|_| {
        let y = evaluate(&call, &[x.clone(), x.clone()]).unwrap();
        let (row, column) = (SIDE - 1, SIDE - 2);
        let at = |i: usize, j: usize| ((i * SIDE + j) as f64 * 0.37).sin();
        let term = |k: usize| at(row, k) * at(k, column);
        let expected: f64 = (0..SIDE).map(term).sum();
        let found = y.to_vec::<f64>()[row * SIDE + column];
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    });
    assert!(count >= SIDE * SIDE * SIDE / (1 << 30), "{count}");
}

#[test]
fn an_interrupt_ends_tasks_of_other_threads() {
    let spin = |_: usize| -> Result<()> {
        loop {
            crate::interrupt::piece();
        }
    };
    let looks = Cell::new(0);
    let between = || {
        looks.set(looks.get() + 1);
        Err(Error::value("enough"))
    };
    let check: crate::interrupt::Check = Rc::new(|| Err(Error::value("enough")));
    let ended = interruptible(check, || pool::parallel_for(4, &spin, &between));
    assert_eq!(ended.unwrap_err().message, "enough");
}
