use proptest::prelude::*;

use super::*;
use crate::array::{Array, DType};
use crate::error::Kind;
use crate::ir::{Graph, parse};

/// A boolean table that numbers decide, and the pattern of it.
fn random(shape: (usize, usize), numbers: &[u8]) -> (Vec<Vec<bool>>, Pattern) {
    let mut numbers = numbers.iter().cycle();
    let mut table = vec![vec![false; shape.1]; shape.0];
    for there in table.iter_mut().flatten() {
        *there = numbers.next().is_some_and(|n| n % 3 == 0);
    }
    (table.clone(), of_table(&table, shape.1))
}

fn of_table(table: &[Vec<bool>], width: usize) -> Pattern {
    let (mut starts, mut columns) = (vec![0], vec![]);
    for row in table {
        columns.extend((0..width as u32).filter(|&j| row[j as usize]));
        starts.push(columns.len());
    }
    Pattern::new((table.len(), width), starts, columns).unwrap()
}

/// The table whose entries a function of their places tells.
fn table_of(shape: (usize, usize), there: impl Fn(usize, usize) -> bool) -> Vec<Vec<bool>> {
    let row = |i| (0..shape.1).map(|j| there(i, j)).collect();
    (0..shape.0).map(row).collect()
}

proptest! {
    #[test]
    fn set_operations_are_those_of_tables(
        (m, n, k) in (0usize..7, 0usize..7, 0usize..7),
        numbers in prop::collection::vec(any::<u8>(), 1..120),
    ) {
        let (a, pa) = random((m, n), &numbers);
        let (b, pb) = random((m, n), &numbers[numbers.len() / 2..]);
        let (c, pc) = random((n, k), &numbers[numbers.len() / 3..]);
        let both = table_of((m, n), |i, j| a[i][j] || b[i][j]);
        prop_assert_eq!(pa.union(&pb).unwrap(), of_table(&both, n));
        let product = table_of((m, k), |i, j| (0..n).any(|l| a[i][l] && c[l][j]));
        prop_assert_eq!(pa.product(&pc).unwrap(), of_table(&product, k));
        let turned = table_of((n, m), |i, j| a[j][i]);
        prop_assert_eq!(pa.transposed().unwrap(), of_table(&turned, m));
        let rows: Vec<usize> = numbers.iter().map(|&r| r as usize % m.max(1)).collect();
        if m > 0 {
            let gathered = table_of((rows.len(), n), |i, j| a[rows[i]][j]);
            prop_assert_eq!(pa.gathered(&rows), of_table(&gathered, n));
        }
        prop_assert!(pa.is_within(&pa.union(&pb).unwrap()));
        let within = a.iter().flatten().zip(b.iter().flatten()).all(|(&a, &b)| b || !a);
        prop_assert_eq!(pa.is_within(&pb), within);
        let counts: Vec<usize> = (0..n).map(|j| a.iter().filter(|row| row[j]).count()).collect();
        prop_assert_eq!(pa.column_counts(), counts);
        let far = |lower: bool| {
            let places = (0..m).flat_map(|i| (0..n).map(move |j| (i, j)));
            let there = places.filter(|&(i, j)| a[i][j]);
            let distance = |(i, j): (usize, usize)| {
                if lower { i.saturating_sub(j) } else { j.saturating_sub(i) }
            };
            there.map(distance).max().unwrap_or(0)
        };
        prop_assert_eq!(pa.bandwidth(), (far(true), far(false)));
        prop_assert_eq!(pa.nnz(), a.iter().flatten().filter(|&&there| there).count());
        for (i, row) in a.iter().enumerate() {
            for (j, &there) in row.iter().enumerate() {
                prop_assert_eq!(pa.contains(i, j), there);
            }
        }
    }
}

#[test]
fn parts_that_are_no_pattern_are_refused() {
    let new = |shape, starts: &[usize], columns: &[u32]| {
        Pattern::new(shape, starts.to_vec(), columns.to_vec()).map_err(|e| e.kind)
    };
    assert!(new((2, 2), &[0, 1, 2], &[1, 1]).is_ok());
    for (starts, columns) in [
        (&[0, 1][..], &[0][..]),
        (&[0, 2, 1], &[0]),
        (&[1, 1, 1], &[0]),
        (&[0, 1, 2], &[0]),
        (&[0, 2, 2], &[0, 0]),
        (&[0, 2, 2], &[1, 0]),
        (&[0, 1, 1], &[2]),
        (&[], &[]),
    ] {
        assert_eq!(
            new((2, 2), starts, columns),
            Err(Kind::Value),
            "{starts:?} {columns:?}"
        );
    }
    assert_eq!(new((0, 1 << 33), &[0], &[]), Err(Kind::Value));
    assert!(Pattern::identity(2).union(&Pattern::empty((2, 3))).is_err());
    assert!(Pattern::identity(2).product(&Pattern::identity(3)).is_err());
}

fn found(text: &str, data: &[Array]) -> Detected {
    let g = parse(text).unwrap();
    let active = g.inputs().iter().copied().filter(|&x| g.node(x).active);
    let inputs: Vec<_> = active.collect();
    detect(&g, &g.outputs, &inputs, data).unwrap()
}

#[test]
fn contents_of_index_arrays_decide_and_are_told() {
    let text = "
        %0 = input! : float64[3]
        %1 = input : int64[2]
        %2 = gather(%0, %1) : float64[2]
        return %2";
    let x = Array::from_slice(&[3], &[1.0, 2.0, 3.0]);
    let with = |index: [i64; 2]| found(text, &[x.clone(), Array::from_slice(&[2], &index)]);
    assert_eq!(with([0, -1]).pattern.to_string(), "x..\n..x\n");
    assert_eq!(with([1, 1]).pattern.to_string(), ".x.\n.x.\n");
    let (node, content) = with([2, 1]).decided_by.remove(0);
    assert_eq!((node.0, content.to_vec::<i64>()), (1, vec![2, 1]));
    let g = parse(text).unwrap();
    let data = [x, Array::from_slice(&[2], &[0i64, 3])];
    let error = detect(&g, &g.outputs, &g.inputs()[..1], &data)
        .err()
        .unwrap();
    assert_eq!(error.kind, Kind::Index);
}

#[test]
fn indices_into_constants_are_not_told() {
    let text = "
        %0 = input! : float64[3]
        %1 = input : int64[2]
        %2 = input : float64[2]
        %3 = gather(%2, %1) : float64[2]
        %4 = slice(%0, [0 1]) : float64[2]
        %5 = mul(%3, %4) : float64[2]
        return %5";
    let data = [
        Array::from_slice(&[3], &[1.0, 2.0, 3.0]),
        Array::from_slice(&[2], &[1i64, 0]),
        Array::from_slice(&[2], &[1.0, 2.0]),
    ];
    let detected = found(text, &data);
    assert_eq!(detected.pattern.to_string(), "x..\n.x.\n");
    assert!(detected.decided_by.is_empty());
}

#[test]
fn what_is_zero_by_construction_is_no_factor() {
    let text = "
        %0 = input! : float64[3]
        %1 = const(0.0) : float64[3]
        %2 = slice(%0, [0 1]) : float64[1]
        %3 = assign(%1, %2, [1 1]) : float64[3]
        %4 = mul(%3, %0) : float64[3]
        %5 = add(%4, %0) : float64[3]
        return %4, %5";
    let pattern = found(text, &[]).pattern;
    assert_eq!(pattern.to_string(), "...\nxx.\n...\nx..\nxx.\n..x\n");
}

/// A sum of `n` terms, one added to the other.
fn long_sum(n: usize) -> Graph {
    use crate::ops::build;
    let mut g = Graph::new();
    let x = g.input(DType::F64, &[n], true);
    let mut total = build::item(&mut g, x, 0, 1);
    for k in 1..n {
        let item = build::item(&mut g, x, k, 1);
        let term = build::map(&mut g, crate::ops::Fun::Sin, &[item]);
        total = build::add(&mut g, total, term);
    }
    g.outputs = vec![total];
    g
}

#[test]
fn a_long_sum_of_single_terms_is_a_full_row() {
    let g = long_sum(5000);
    let pattern = detect(&g, &g.outputs, g.inputs(), &[]).unwrap().pattern;
    assert_eq!((pattern.shape(), pattern.nnz()), ((1, 5000), 5000));
}

#[test]
fn dense_rows_are_shared_until_they_are_asked_for() {
    // A million rows of a million entries between input and result.
    let text = "
        %0 = input! : float64[1000000]
        %1 = sum(%0, [0]) : float64[]
        %2 = broadcast(%1) : float64[1000000]
        %3 = mul(%0, %2) : float64[1000000]
        %4 = sum(%3, [0]) : float64[]
        return %4";
    assert_eq!(found(text, &[]).pattern.nnz(), 1_000_000);
}
