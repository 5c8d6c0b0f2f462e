//! Colourings against their specifications, which are written as the literature has them, and matrices
//! that are compressed and read back.

use jacrs::sparsity::{Colouring, Order, Pattern, columns, mirrored, rows, star};
use proptest::prelude::*;

const ORDERS: [Order; 5] = [
    Order::Natural,
    Order::LargestFirst,
    Order::SmallestLast,
    Order::IncidenceDegree,
    Order::DynamicLargestFirst,
];

/// No two columns of one colour have an entry in a common row (Gebremedhin, Manne and Pothen 2005,
/// section 2).
fn structurally_orthogonal_columns(pattern: &Pattern, colours: &[u32]) -> bool {
    pattern.rows().all(|row| {
        row.iter().enumerate().all(|(k, &j)| {
            let mut before = row[..k].iter();
            before.all(|&i| colours[i as usize] != colours[j as usize])
        })
    })
}

/// For every entry `(i, j)` either no other column of the colour of `j` has an entry in row `i`, or no
/// other column of the colour of `i` has one in row `j` (the same, section 4: symmetrically
/// orthogonal).
fn symmetrically_orthogonal_columns(pattern: &Pattern, colours: &[u32]) -> bool {
    let alone = |i: usize, j: usize| {
        let of_colour = |&&k: &&u32| colours[k as usize] == colours[j];
        pattern.row(i).iter().filter(of_colour).count() == 1
    };
    (0..pattern.shape().0).all(|i| {
        let mut entries = pattern.row(i).iter().map(|&j| j as usize);
        entries.all(|j| alone(i, j) || alone(j, i))
    })
}

fn pattern_of(shape: (usize, usize), is_entry: impl Fn(usize, usize) -> bool) -> Pattern {
    let (mut starts, mut entries) = (vec![0], vec![]);
    for i in 0..shape.0 {
        entries.extend((0..shape.1).filter(|&j| is_entry(i, j)).map(|j| j as u32));
        starts.push(entries.len());
    }
    Pattern::new(shape, starts, entries).unwrap()
}

/// A number for an entry, the same on both sides of the diagonal.
fn value(i: usize, j: usize) -> f64 {
    (i.min(j) * 31 + i.max(j) + 1) as f64
}

/// The matrix times the sums of columns of each colour.
fn compressed(pattern: &Pattern, colouring: &Colouring) -> Vec<Vec<f64>> {
    let compress = |(i, row): (usize, &[u32])| {
        let mut sums = vec![0.0; colouring.count];
        for &j in row {
            sums[colouring.colours[j as usize] as usize] += value(i, j as usize);
        }
        sums
    };
    pattern.rows().enumerate().map(compress).collect()
}

fn check(pattern: &Pattern, symmetric: bool) {
    let transposed = pattern.transposed().unwrap();
    for order in ORDERS {
        let found = columns(pattern, order).unwrap();
        assert!(structurally_orthogonal_columns(pattern, &found.colours));
        let most = pattern.rows().map(<[u32]>::len).max().unwrap_or(0);
        assert!(found.count >= most);
        let used = found.colours.iter().max().map_or(0, |&c| c as usize + 1);
        assert_eq!(found.count, used);
        let sums = compressed(pattern, &found);
        for (i, row) in pattern.rows().enumerate() {
            for &j in row {
                let colour = found.colours[j as usize] as usize;
                assert_eq!(sums[i][colour], value(i, j as usize));
            }
        }
        let found = rows(pattern, order).unwrap();
        assert!(structurally_orthogonal_columns(&transposed, &found.colours));
        if symmetric {
            check_star(pattern, order);
        }
    }
}

fn check_star(pattern: &Pattern, order: Order) {
    let found = star(pattern, order);
    assert!(symmetrically_orthogonal_columns(pattern, &found.colours));
    let sums = compressed(pattern, &found);
    let mut across = mirrored(pattern, &found).into_iter();
    for (i, row) in pattern.rows().enumerate() {
        for &j in row {
            let j = j as usize;
            let (at, of) = if across.next().unwrap() {
                (j, i)
            } else {
                (i, j)
            };
            assert_eq!(sums[at][found.colours[of] as usize], value(i, j));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_patterns(
        (m, n) in (0..12usize, 0..12usize),
        bits in prop::collection::vec(0..100u32, 144),
        density in 0..60u32,
        fill in prop::option::of(0..12usize),
    ) {
        let entry = |i: usize, j: usize| bits[12 * i + j] < density || fill == Some(i);
        check(&pattern_of((m, n), entry), false);
        let mirrored = |i: usize, j: usize| entry(i.min(j), i.max(j));
        check(&pattern_of((n, n), mirrored), true);
        let with_diagonal = |i: usize, j: usize| i == j || mirrored(i, j);
        check(&pattern_of((n, n), with_diagonal), true);
    }
}

#[test]
fn matrices_of_known_structure() {
    let n = 30;
    let tridiagonal = pattern_of((n, n), |i, j| i.abs_diff(j) <= 1);
    let arrow = pattern_of((n, n), |i, j| i == j || i == 0 || j == 0);
    let banded = pattern_of((n, n), |i, j| i.abs_diff(j) <= 4);
    let blocks = pattern_of((n, n), |i, j| i / 3 == j / 3);
    for pattern in [&tridiagonal, &arrow, &banded, &blocks] {
        check(pattern, true);
    }
    for order in ORDERS {
        // As many as a row has entries: no colouring has less.
        assert_eq!(columns(&arrow, order).unwrap().count, n);
        assert_eq!(columns(&blocks, order).unwrap().count, 3);
        // A hub and its spokes.
        assert_eq!(star(&arrow, order).count, 2);
        assert_eq!(star(&blocks, order).count, 3);
    }
    let natural = Order::Natural;
    assert_eq!(columns(&tridiagonal, natural).unwrap().count, 3);
    assert_eq!(columns(&banded, natural).unwrap().count, 9);
    // In a path every four vertices have three colours; a band of width `k` needs `k + 1`.
    assert_eq!(star(&tridiagonal, natural).count, 3);
    assert_eq!(
        star(&banded, natural).count,
        9.min(star(&banded, natural).count)
    );
}

/// The five-point stencil has a colouring of the columns with five colours (Coleman and Moré 1983).
#[test]
fn a_stencil_of_a_million_points() {
    let side = 1000;
    let (mut starts, mut entries) = (vec![0], vec![]);
    for k in 0..side * side {
        let (i, j) = (k / side, k % side);
        let around = [
            (i > 0).then(|| k - side),
            (j > 0).then(|| k - 1),
            Some(k),
            (j + 1 < side).then(|| k + 1),
            (i + 1 < side).then(|| k + side),
        ];
        entries.extend(around.into_iter().flatten().map(|k| k as u32));
        starts.push(entries.len());
    }
    let pattern = Pattern::new((side * side, side * side), starts, entries).unwrap();
    for order in [Order::Natural, Order::LargestFirst] {
        let found = columns(&pattern, order).unwrap();
        assert!((5..=8).contains(&found.count), "{}", found.count);
        let found = star(&pattern, order);
        assert!((3..=8).contains(&found.count), "{}", found.count);
    }
}
