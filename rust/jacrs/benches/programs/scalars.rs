//! Programs over single numbers, as loops and recursions leave them.

use std::cell::RefCell;

use jacrs::array::DType;
use jacrs::ir::{Graph, NodeId};
use jacrs::ops::build;
use jacrs::ops::elementwise::Expr;

/// A function of the elements of one argument of `n` elements, whose results are packed.
fn of_elements(n: usize, f: impl for<'g> Fn(&[Expr<'g>]) -> Vec<Expr<'g>>) -> Graph {
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[n], true);
    let items: Vec<NodeId> = (0..n).map(|k| build::item(&mut g, x, k, 1)).collect();
    let results: Vec<NodeId> = {
        let cell = RefCell::new(&mut g);
        let x: Vec<_> = items.iter().map(|&id| Expr::new(&cell, id)).collect();
        f(&x).into_iter().map(|y| y.id).collect()
    };
    g.outputs = match *results {
        [y] => vec![y],
        _ => {
            let places: Vec<i64> = (0..results.len() as i64).collect();
            vec![build::pack(&mut g, &results, &places, &[results.len()])]
        }
    };
    g
}

/// Mass action: 12 species, 13 reactions.
pub fn kinetics() -> Graph {
    of_elements(12, |y| {
        let load = (y[0] * y[1]).scaled(2.0);
        let unload = y[2].scaled(0.3);
        let turn = y[2].scaled(1.5);
        let inhibit = (y[3] * y[4]).scaled(0.8);
        let release = y[5].scaled(0.2);
        let join = y[3].square().scaled(0.6);
        let part = y[6].scaled(0.1);
        let bind = (y[6] * y[7]).scaled(1.2);
        let unbind = y[8].scaled(0.4);
        let convert = y[8].scaled(0.9);
        let ripen = y[9].scaled(0.05);
        let block = (y[10] * y[0]).scaled(0.7);
        let unblock = y[11].scaled(0.25);
        vec![
            unload + turn + unblock - load - block,
            unload - load,
            load - unload - turn,
            turn + release - inhibit + part.scaled(2.0) - join.scaled(2.0),
            release - inhibit,
            inhibit - release,
            join - part + unbind + convert - bind,
            unbind - bind,
            bind - unbind - convert,
            convert - ripen,
            ripen - block + unblock,
            block - unblock,
        ]
    })
}

/// Classical Runge-Kutta steps of prey and predators, 58 operations each.
pub fn runge_kutta(steps: usize) -> Graph {
    of_elements(6, |x| {
        let h = 0.01;
        let slope = |u, v| (x[2] * u - x[3] * u * v, x[4] * u * v - x[5] * v);
        let (mut u, mut v) = (x[0], x[1]);
        for _ in 0..steps {
            let (p1, q1) = slope(u, v);
            let (p2, q2) = slope(u + p1.scaled(0.5 * h), v + q1.scaled(0.5 * h));
            let (p3, q3) = slope(u + p2.scaled(0.5 * h), v + q2.scaled(0.5 * h));
            let (p4, q4) = slope(u + p3.scaled(h), v + q3.scaled(h));
            u = u + (p1 + p2.scaled(2.0) + p3.scaled(2.0) + p4).scaled(h / 6.0);
            v = v + (q1 + q2.scaled(2.0) + q3.scaled(2.0) + q4).scaled(h / 6.0);
        }
        vec![u + v]
    })
}

/// A determinant by expansion along the first row, minors of minors; equal minors are one.
pub fn determinant(side: usize) -> Graph {
    fn minor<'g>(x: &[Expr<'g>], side: usize, row: usize, columns: &[usize]) -> Expr<'g> {
        let mut total = None;
        for (place, &column) in columns.iter().enumerate() {
            let entry = x[row * side + column];
            let others: Vec<usize> = columns.iter().copied().filter(|&c| c != column).collect();
            let term = if others.is_empty() {
                entry
            } else {
                entry * minor(x, side, row + 1, &others)
            };
            total = Some(match total {
                None => term,
                Some(sum) if place % 2 == 0 => sum + term,
                Some(sum) => sum - term,
            });
        }
        total.expect("a column")
    }
    let columns: Vec<usize> = (0..side).collect();
    of_elements(side * side, |x| vec![minor(x, side, 0, &columns)])
}
