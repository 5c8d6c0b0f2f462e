//! Colourings against their specifications, which are written as the literature has them, and matrices
//! that are compressed and read back.

use jacrs::sparsity::{
    Bicolouring, Colouring, Order, Pattern, Substitution, acyclic, bicolouring, columns, mirrored,
    postprocessed, rows, star,
};
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

/// Neighbours have different colours (Gebremedhin, Manne and Pothen 2005, section 2).
fn distance_one(pattern: &Pattern, colours: &[u32]) -> bool {
    pattern.rows().enumerate().all(|(i, row)| {
        let mut neighbours = row.iter().filter(|&&j| j as usize != i);
        neighbours.all(|&j| colours[j as usize] != colours[i])
    })
}

/// No cycle has but two colours: of the vertices of any two, all can be taken away one after the
/// other, each with at most one neighbour left.
fn without_cycles_of_two_colours(pattern: &Pattern, colouring: &Colouring) -> bool {
    let is_forest = |a: usize, b: usize| {
        let of_both = |&v: &usize| [a, b].contains(&(colouring.colours[v] as usize));
        let mut left: Vec<usize> = (0..pattern.shape().0).filter(of_both).collect();
        loop {
            let degree = |v: usize| {
                let others = left.iter().filter(|&&w| w != v && pattern.contains(v, w));
                others.count()
            };
            let inner: Vec<usize> = left.iter().copied().filter(|&v| degree(v) > 1).collect();
            if inner.len() == left.len() {
                return left.is_empty();
            }
            left = inner;
        }
    };
    (0..colouring.count).all(|a| (0..a).all(|b| is_forest(a, b)))
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
            if let Some(sum) = sums.get_mut(colouring.colours[j as usize] as usize) {
                *sum += value(i, j as usize);
            }
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
        check_bicolouring(pattern, &bicolouring(pattern, order).unwrap());
        if symmetric {
            check_star(pattern, order);
            check_acyclic(pattern, order);
        }
    }
}

/// Each entry stands alone in the product that it is read from, and every colour is read from.
fn check_bicolouring(pattern: &Pattern, found: &Bicolouring) {
    check_numbers(&found.columns, pattern.shape().1);
    check_numbers(&found.rows, pattern.shape().0);
    // Not the same on both sides of the diagonal.
    let number = |i: usize, j: usize| (i * 31 + j + 1) as f64;
    let mut forward = vec![vec![0.0; found.columns.count]; pattern.shape().0];
    let mut reverse = vec![vec![0.0; found.rows.count]; pattern.shape().1];
    let entries = || {
        let rows = pattern.rows().enumerate();
        rows.flat_map(|(i, row)| row.iter().map(move |&j| (i, j as usize)))
    };
    let of = |colouring: &Colouring, vertex: usize| colouring.colours[vertex] as usize;
    for (i, j) in entries() {
        if let Some(sum) = forward[i].get_mut(of(&found.columns, j)) {
            *sum += number(i, j);
        }
        if let Some(sum) = reverse[j].get_mut(of(&found.rows, i)) {
            *sum += number(i, j);
        }
    }
    assert_eq!(found.reverse.len(), pattern.nnz());
    for ((i, j), &is_reverse) in entries().zip(&found.reverse) {
        let read = if is_reverse {
            reverse[j][of(&found.rows, i)]
        } else {
            forward[i][of(&found.columns, j)]
        };
        assert_eq!(read, number(i, j));
    }
}

fn check_star(pattern: &Pattern, order: Order) {
    let found = star(pattern, order);
    assert!(symmetrically_orthogonal_columns(pattern, &found.colours));
    read_back(pattern, &found);
    let fewer = postprocessed(pattern, &found);
    check_numbers(&fewer, found.count);
    read_back(pattern, &fewer);
    assert_eq!(postprocessed(pattern, &fewer), fewer);
}

/// The entries as products have them.
fn read_back(pattern: &Pattern, found: &Colouring) {
    let sums = compressed(pattern, found);
    let mut across = mirrored(pattern, found).into_iter();
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

/// Colours are numbered without gaps, and are no more than so many.
fn check_numbers(found: &Colouring, most: usize) {
    let of_vertices = found.colours.iter().filter(|&&c| c != Colouring::NEUTRAL);
    let mut used: Vec<u32> = of_vertices.copied().collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.into_iter().eq(0..found.count as u32));
    assert!(found.count <= most);
}

fn check_acyclic(pattern: &Pattern, order: Order) {
    let found = acyclic(pattern, order);
    check_numbers(&found, pattern.shape().0);
    assert!(distance_one(pattern, &found.colours));
    assert!(without_cycles_of_two_colours(pattern, &found));
    substituted(pattern, &found);
    let fewer = postprocessed(pattern, &found);
    check_numbers(&fewer, found.count);
    substituted(pattern, &fewer);
    // A star colouring is an acyclic one.
    substituted(pattern, &postprocessed(pattern, &star(pattern, order)));
}

fn substituted(pattern: &Pattern, found: &Colouring) {
    let order = Substitution::new(pattern, found).unwrap();
    let entries = order
        .decompressed(&compressed(pattern, found).concat())
        .unwrap();
    let rows = pattern.rows().enumerate();
    let values = rows.flat_map(|(i, row)| row.iter().map(move |&j| value(i, j as usize)));
    assert!(entries.into_iter().eq(values));
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

fn grid(side: usize) -> Pattern {
    pattern_of((side * side, side * side), |k, l| {
        let (i, j) = ((k / side).abs_diff(l / side), (k % side).abs_diff(l % side));
        i + j <= 1
    })
}

#[test]
fn acyclic_counts() {
    let n = 24;
    let tree = pattern_of((n, n), |i, j| {
        i == j || i.max(j).div_ceil(3) == i.min(j) + 1
    });
    let path = pattern_of((n, n), |i, j| i.abs_diff(j) <= 1);
    let circle = pattern_of((n, n), |i, j| [0, 1, n - 1].contains(&i.abs_diff(j)));
    let complete = pattern_of((n, n), |_, _| true);
    let grid = grid(7);
    for pattern in [&tree, &path, &circle, &complete, &grid] {
        check(pattern, true);
    }
    for order in ORDERS {
        assert_eq!(acyclic(&complete, order).count, n);
        assert_eq!(star(&complete, order).count, n);
        assert!((3..=4).contains(&acyclic(&circle, order).count));
        assert!((3..=5).contains(&acyclic(&grid, order).count));
        assert!((4..=8).contains(&star(&grid, order).count));
    }
    // In these a vertex of a tree has one neighbour before it.
    for order in [Order::Natural, Order::SmallestLast, Order::IncidenceDegree] {
        assert_eq!(acyclic(&tree, order).count, 2);
        assert_eq!(acyclic(&path, order).count, 2);
    }
}

#[test]
fn both_ways_at_once() {
    let n = 40;
    let counts = |is_entry: &dyn Fn(usize, usize) -> bool, order| {
        let pattern = pattern_of((n, n), is_entry);
        let found = bicolouring(&pattern, order).unwrap();
        check_bicolouring(&pattern, &found);
        (found.columns.count, found.rows.count)
    };
    for order in ORDERS {
        let arrow = |i: usize, j: usize| i == j || i == 0 || j == 0;
        assert_eq!(counts(&arrow, order), (2, 1));
        let banded = |i: usize, j: usize| i.abs_diff(j) <= 1 || i % 20 == 7 || j == 12;
        let (columns, rows) = counts(&banded, order);
        assert!(columns <= 6 && rows == 2, "{columns} and {rows}");
        // A dense row in each block, and a dense column across: the rows share a colour.
        let blocks =
            |i: usize, j: usize| i == j || j == 0 || (i.is_multiple_of(10) && i / 10 == j / 10);
        assert_eq!(counts(&blocks, order), (2, 1));
        // One way is enough.
        assert_eq!(counts(&|i, _| i == 3, order), (0, 1));
        assert_eq!(counts(&|_, j| j == 3, order), (1, 0));
        assert_eq!(counts(&|i, j| i == j, order), (1, 0));
        assert_eq!(counts(&|_, _| true, order), (n, 0));
        assert_eq!(counts(&|_, _| false, order), (0, 0));
    }
}

#[test]
fn colours_that_are_not_needed() {
    let n = 9;
    for order in ORDERS {
        let arrow = pattern_of((n, n), |i, j| (i == 0) != (j == 0));
        assert_eq!(postprocessed(&arrow, &star(&arrow, order)).count, 1);
        let pairs = pattern_of((n, n), |i, j| i != j && i / 2 == j / 2);
        assert_eq!(postprocessed(&pairs, &acyclic(&pairs, order)).count, 1);
        let empty = pattern_of((n, n), |_, _| false);
        assert_eq!(postprocessed(&empty, &star(&empty, order)).count, 0);
        let full = Pattern::identity(n);
        assert_eq!(postprocessed(&full, &star(&full, order)).count, 1);
    }
}

#[test]
fn what_is_no_acyclic_colouring_is_refused() {
    let square = pattern_of((4, 4), |i, j| i.abs_diff(j) % 2 == 1);
    let colouring = |colours: &[u32], count| Colouring {
        colours: colours.to_vec(),
        count,
    };
    let refused = |pattern: &Pattern, found| Substitution::new(pattern, &found).is_err();
    assert!(refused(&square, colouring(&[0, 1, 0, 1], 2)));
    assert!(refused(&square, colouring(&[0, 0, 1, 2], 3)));
    assert!(refused(&square, colouring(&[0, 1, 0, 3], 3)));
    assert!(refused(&square, colouring(&[0, 1, 0], 2)));
    assert!(refused(&Pattern::identity(1), colouring(&[u32::MAX], 0)));
    let triangle = pattern_of((2, 2), |i, j| i <= j);
    assert!(refused(&triangle, colouring(&[0, 1], 2)));
    assert!(!refused(&square, colouring(&[0, 1, 0, 2], 3)));
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
        let found = acyclic(&pattern, order);
        assert!((3..=5).contains(&found.count), "{}", found.count);
        Substitution::new(&pattern, &found).unwrap();
    }
}
