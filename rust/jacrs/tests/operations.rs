//! Every operation through every derived transform: forward against differences, reverse against
//! forward, lanes against a loop, second order, single precision.

#[path = "operations/cases.rs"]
mod cases;
mod common;
#[path = "operations/lanes.rs"]
mod lanes;
#[path = "operations/patterns.rs"]
mod patterns;
#[path = "operations/texts.rs"]
mod texts;

use cases::{Case, all};
use common::{assert_close, dot, interpret, outputs, richardson, scattered, value_of};
use jacrs::array::{Array, DType};
use jacrs::differentiate::{Late, Maps, Residual, Wanted, batch, jvp, vjp};
use jacrs::ir::{Graph, NodeId, parse};
use jacrs::ops::elementwise::ROWS;
use jacrs::ops::tile::Tile;
use jacrs::ops::{build, verify};

/// Adds tangent inputs for the active inputs and the tangent of the output.
fn with_tangent(case: &Case) -> (Graph, NodeId, Vec<NodeId>, Vec<NodeId>) {
    let mut g = case.graph.clone();
    let (xs, y) = (case.active(), g.outputs[0]);
    let ts: Vec<NodeId> = xs
        .iter()
        .map(|&x| {
            let shape = g.dims(x);
            g.input(DType::F64, &shape, true)
        })
        .collect();
    let seeds: Vec<_> = ts.iter().copied().map(Some).collect();
    let t =
        jvp(&mut g, &[y], &xs, &seeds)[0].unwrap_or_else(|| panic!("{}: no tangent", case.name));
    verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    (g, t, xs, ts)
}

fn with_inputs(case: &Case, more: &[Vec<f64>]) -> Vec<Array> {
    let shapes: Vec<_> = case.active().iter().map(|&x| case.graph.dims(x)).collect();
    let extra = more
        .iter()
        .zip(&shapes)
        .map(|(v, s)| Array::from_slice(s, v));
    case.inputs.iter().cloned().chain(extra).collect()
}

#[test]
fn forward_agrees_with_differences() {
    for case in all() {
        let (g, t, _, _) = with_tangent(&case);
        let direction = case.direction(3);
        let got = value_of(&g, t, &with_inputs(&case, &direction));
        let y = case.graph.outputs[0];
        let wanted = richardson(|h| value_of(&case.graph, y, &case.moved(&direction, h)));
        assert_close(&got, &wanted, 1e-8, &case.name);
    }
}

#[test]
fn reverse_agrees_with_forward() {
    for case in all() {
        let (mut g, t, xs, _) = with_tangent(&case);
        let y = case.graph.outputs[0];
        let shape = g.dims(y);
        let ct = g.input(DType::F64, &shape, false);
        let swept = vjp(&mut g, &[y], &xs, &[Some(ct)]);
        verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let direction = case.direction(5);
        let weights = scattered(g.size(y), 11, -1.0, 1.0);
        let mut inputs = with_inputs(&case, &direction);
        inputs.push(Array::from_slice(&shape, &weights));
        let forward = dot(&value_of(&g, t, &inputs), &weights);
        let reverse: f64 = (swept.iter().zip(&direction))
            .map(|(c, d)| c.map_or(0.0, |c| dot(&value_of(&g, c, &inputs), d)))
            .sum();
        assert_close(&[reverse], &[forward], 1e-12, &case.name);
    }
}

#[test]
fn lanes_agree_with_a_loop() {
    const WIDTH: usize = 3;
    for case in all() {
        let (mut g, t, _, ts) = with_tangent(&case);
        let seeds: Vec<NodeId> = ts
            .iter()
            .map(|&t| {
                let mut shape = g.dims(t);
                shape.push(WIDTH);
                g.input(DType::F64, &shape, false)
            })
            .collect();
        let (lanes, batched) = batch(&mut g, &[t], &ts, &seeds, WIDTH).unwrap()[0];
        verify(&g).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        assert!(batched, "{}", case.name);
        let directions: Vec<_> = (0..WIDTH)
            .map(|k| case.direction(20 + 5 * k as u64))
            .collect();
        let mut inputs = with_inputs(&case, &directions[0]);
        for (j, &seed) in seeds.iter().enumerate() {
            let n = directions[0][j].len();
            let mixed: Vec<f64> = (0..n * WIDTH)
                .map(|i| directions[i % WIDTH][j][i / WIDTH])
                .collect();
            inputs.push(Array::from_slice(g.shape(seed), &mixed));
        }
        let together = value_of(&g, lanes, &inputs);
        for (k, direction) in directions.iter().enumerate() {
            let alone = value_of(&g, t, &with_inputs(&case, direction));
            let lane: Vec<f64> = together.iter().skip(k).step_by(WIDTH).copied().collect();
            assert_close(&lane, &alone, 1e-13, &case.name);
        }
    }
}

#[test]
fn primal_lanes_agree_with_a_loop() {
    const WIDTH: usize = 2;
    for case in all() {
        let mut g = case.graph.clone();
        let (xs, y) = (case.active(), g.outputs[0]);
        let lanes: Vec<NodeId> = xs
            .iter()
            .map(|&x| {
                let mut shape = g.dims(x);
                shape.push(WIDTH);
                g.input(DType::F64, &shape, false)
            })
            .collect();
        let (out, _) = batch(&mut g, &[y], &xs, &lanes, WIDTH).unwrap()[0];
        let directions = [case.direction(1), case.direction(31)];
        let points: Vec<_> = directions.iter().map(|d| case.moved(d, 0.05)).collect();
        let mut inputs = case.inputs.clone();
        for (&x, &lane) in xs.iter().zip(&lanes) {
            let at = case.graph.inputs().iter().position(|&i| i == x).unwrap();
            let parts: Vec<Vec<f64>> = points.iter().map(|p| p[at].to_vec::<f64>()).collect();
            let n = parts[0].len();
            let mixed: Vec<f64> = (0..n * WIDTH)
                .map(|i| parts[i % WIDTH][i / WIDTH])
                .collect();
            inputs.push(Array::from_slice(g.shape(lane), &mixed));
        }
        let together = value_of(&g, out, &inputs);
        for (k, point) in points.iter().enumerate() {
            let lane: Vec<f64> = together.iter().skip(k).step_by(WIDTH).copied().collect();
            assert_close(&lane, &value_of(&case.graph, y, point), 1e-13, &case.name);
        }
    }
}

/// Forward over reverse, against differences of the forward derivative.
#[test]
fn second_order_agrees_with_differences() {
    for case in all() {
        let (g, t, xs, _) = with_tangent(&case);
        let (first, second) = (case.direction(41), case.direction(43));
        let mut over = g.clone();
        let weights = scattered(over.size(t), 47, -1.0, 1.0);
        let shape = over.dims(t);
        let ct = over.input(DType::F64, &shape, false);
        let swept = vjp(&mut over, &[t], &xs, &[Some(ct)]);
        let mut inputs = with_inputs(&case, &first);
        inputs.push(Array::from_slice(&shape, &weights));
        let got: f64 = (swept.iter().zip(&second))
            .map(|(c, d)| c.map_or(0.0, |c| dot(&value_of(&over, c, &inputs), d)))
            .sum();
        let wanted = richardson(|h| {
            let mut moved = case.moved(&second, h);
            moved.extend(with_inputs(&case, &first).split_off(case.inputs.len()));
            vec![dot(&value_of(&g, t, &moved), &weights)]
        });
        assert_close(&[got], &wanted, 1e-7, &case.name);
    }
}

#[test]
fn single_precision_stays_single() {
    for row in ROWS.iter().filter(|row| !row.flat) {
        let args = if row.arity == 1 { "%0" } else { "%0, %1" };
        let text = format!(
            "%0 = input! : float32[2]\n%1 = input! : float32[2]\n%2 = {}({args}) : float32[2]\nreturn %2",
            row.name
        );
        let mut g = parse(&text).unwrap();
        let (xs, y) = (g.inputs().to_vec(), g.outputs[0]);
        let ones = build::constant_like(&mut g, y, 1.0);
        for ct in vjp(&mut g, &[y], &xs, &[Some(ones)]).into_iter().flatten() {
            assert_eq!(g.dtype(ct), DType::F32, "{}", row.name);
        }
        verify(&g).unwrap();
    }
}

/// Products of a linear map, its residuals computed from the inputs of the case.
fn mapped(case: &Case, maps: &Maps, late: &Late, map: &Graph, seeds: Vec<Array>) -> Vec<Vec<f64>> {
    let early = interpret(&maps.early, &case.inputs);
    let computed = |k: usize| early[maps.early.outputs[1 + k].index()].clone();
    let residuals = late.residuals.iter().map(|residual| match *residual {
        Residual::Input(k) => case.inputs[k].clone(),
        Residual::Computed(k) => computed(k).expect("an output"),
    });
    let given: Vec<Array> = seeds.into_iter().chain(residuals).collect();
    outputs(map, &given)
}

/// Both maps over one set of residuals are the derivative, and each other's transpose.
#[test]
fn linear_maps_agree_with_the_tangent() {
    const WIDTH: usize = 3;
    for case in all() {
        let (g, y) = (&case.graph, case.graph.outputs[0]);
        let maps = Maps::new(g, &[y], &[y], &case.active());
        verify(&maps.early).unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let (with_tangent, t, xs, _) = with_tangent(&case);
        let direction = case.direction(51);
        let shaped = |v: &[Vec<f64>]| -> Vec<Array> {
            let shapes = xs.iter().map(|&x| g.shape(x));
            shapes
                .zip(v)
                .map(|(s, v)| Array::from_slice(s, v))
                .collect()
        };
        let wanted = value_of(&with_tangent, t, &with_inputs(&case, &direction));
        let late = &maps.forward;
        let found = mapped(&case, &maps, late, &late.graph, shaped(&direction));
        assert_close(&found[0], &wanted, 1e-13, &case.name);

        let weights = scattered(g.size(y), 53, -1.0, 1.0);
        let (late, ct) = (&maps.reverse, Array::from_slice(g.shape(y), &weights));
        let back = mapped(&case, &maps, late, &late.graph, vec![ct]);
        let reverse: f64 = back.iter().zip(&direction).map(|(b, d)| dot(b, d)).sum();
        assert_close(&[reverse], &[dot(&wanted, &weights)], 1e-12, &case.name);

        let lanes = maps.forward.lanes(WIDTH).unwrap();
        let repeated = |x: &Array| {
            let values = x.to_vec::<f64>();
            let lanes = |v: &f64| {
                (0..WIDTH)
                    .map(move |k| v * (k + 1) as f64)
                    .collect::<Vec<_>>()
            };
            let shape: Vec<usize> = x.shape().iter().copied().chain([WIDTH]).collect();
            Array::from_slice(&shape, &values.iter().flat_map(lanes).collect::<Vec<f64>>())
        };
        let seeds = shaped(&direction).iter().map(repeated).collect();
        let many = mapped(&case, &maps, &maps.forward, &lanes, seeds);
        for k in 0..WIDTH {
            let lane: Vec<f64> = many[0].iter().skip(k).step_by(WIDTH).copied().collect();
            let scaled: Vec<f64> = wanted.iter().map(|v| v * (k + 1) as f64).collect();
            assert_close(&lane, &scaled, 1e-12, &case.name);
        }
    }
}

/// Every tile of a shape, empty ones too.
fn tiles(shape: &[usize]) -> Vec<Tile> {
    let mut found = vec![Tile::whole(shape)];
    for (axis, &n) in shape.iter().enumerate() {
        let ranges = (0..=n).flat_map(|start| (start..=n).map(move |end| (start, end)));
        let cut = |(start, end)| {
            let tiles = found.iter().cloned();
            tiles.map(move |tile| tile.with(axis, start, end))
        };
        found = ranges.flat_map(cut).collect();
    }
    found
}

/// The elements of a tile of an array given in C order.
fn tile_of(values: &[f64], shape: &[usize], tile: &Tile) -> Vec<f64> {
    let inside = |&flat: &usize| {
        let mut rest = flat;
        (0..shape.len()).rev().all(|axis| {
            let at = rest % shape[axis];
            rest /= shape[axis];
            (tile.start[axis]..tile.end(axis)).contains(&at)
        })
    };
    (0..values.len())
        .filter(inside)
        .map(|k| values[k])
        .collect()
}

/// The value of one tile, from tiles of the inputs.
fn alone(case: &Case, tile: &Tile, inputs: &[Array]) -> Vec<f64> {
    let (g, y) = (&case.graph, case.graph.outputs[0]);
    let data = |x: NodeId| {
        let k = g.inputs().iter().position(|&input| input == x)?;
        Some(inputs[k].clone())
    };
    let wanted = Wanted::by(g, [(y, tile.clone())], |_| false, &data);
    let mut target = Graph::new();
    let mut given = vec![];
    let built = wanted.build(
        &mut target,
        |_| false,
        |t, x, tile| {
            let whole = data(x).expect("an input");
            given.push(match g.dtype(x) {
                DType::I64 => Array::from_slice(&tile.shape, &tile.integers_of(&whole)),
                _ => {
                    let values = tile_of(&whole.to_vec::<f64>(), g.shape(x), tile);
                    Array::from_slice(&tile.shape, &values)
                }
            });
            t.input(g.dtype(x), &tile.shape, false)
        },
    );
    let output = built.tile(&mut target, y, tile);
    verify(&target).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    value_of(&target, output, &given)
}

#[test]
fn tiles_are_parts_of_the_whole() {
    for case in all() {
        let (g, y) = (&case.graph, case.graph.outputs[0]);
        // Indices as they are, some from the end, and the same ones without.
        for shift in [0, 1] {
            let moved = |x: &Array| match x.dtype() {
                DType::I64 => {
                    let places: Vec<i64> = x
                        .to_vec::<i64>()
                        .iter()
                        .map(|i| (i + shift).min(1))
                        .collect();
                    Array::from_slice(x.shape(), &places)
                }
                _ => x.clone(),
            };
            let inputs: Vec<Array> = case.inputs.iter().map(moved).collect();
            let whole = value_of(g, y, &inputs);
            for tile in tiles(g.shape(y)) {
                let wanted = tile_of(&whole, g.shape(y), &tile);
                let found = alone(&case, &tile, &inputs);
                assert_close(&found, &wanted, 1e-13, &format!("{} {tile:?}", case.name));
            }
        }
    }
}
