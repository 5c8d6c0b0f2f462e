//! Operations that are not elementwise, in the text form of graphs.

/// Structural operations: a name, the lines after an input `%0` of `[2,3]` up to `%8`, and the shape
/// of `%8`.
pub const STRUCTURAL: &[(&str, &str, &str)] = &[
    ("reshape", "%8 = reshape(%0) : float64[3,1,2]\n", "3,1,2"),
    (
        "transpose",
        "%8 = transpose(%0, [1 0]) : float64[3,2]\n",
        "3,2",
    ),
    (
        "broadcast",
        "%8 = broadcast(%0) : float64[4,2,3]\n",
        "4,2,3",
    ),
    (
        "slice",
        "%8 = slice(%0, [1 -1 0 2]) : float64[2,2]\n",
        "2,2",
    ),
    (
        "empty slice",
        "%8 = slice(%0, [0 1 0 1]) : float64[0,3]\n",
        "0,3",
    ),
    (
        "assign",
        "%1 = input! : float64[1,3]\n%8 = assign(%0, %1, [1 1 0 1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "add_at",
        "%1 = input! : float64[2,2]\n%8 = add_at(%0, %1, [0 1 0 2]) : float64[2,3]\n",
        "2,3",
    ),
    ("item", "%8 = item(%0, [4 2]) : float64[]\n", ""),
    ("item row", "%8 = item(%0, [1 1]) : float64[3]\n", "3"),
    (
        "pack",
        "%1 = item(%0, [1 2]) : float64[]\n%2 = item(%0, [5 2]) : float64[]\n%8 = pack(%1, %2, %1, [0 3 1]) : float64[2,2]\n",
        "2,2",
    ),
    (
        "pack rows",
        "%1 = item(%0, [1 1]) : float64[3]\n%2 = item(%0, [0 1]) : float64[3]\n%8 = pack(%1, %2, [3 0]) : float64[4,3]\n",
        "4,3",
    ),
    (
        "concat",
        "%1 = input! : float64[2,1]\n%8 = concat(%0, %1, %0, [1]) : float64[2,7]\n",
        "2,7",
    ),
    (
        "gather",
        "%1 = input : int64[2,2]\n%8 = gather(%0, %1) : float64[2,2,3]\n",
        "2,2,3",
    ),
    (
        "scatter_add",
        "%1 = input : int64[4]\n%2 = input! : float64[4,3]\n%8 = scatter_add(%0, %1, %2) : float64[2,3]\n",
        "2,3",
    ),
    (
        "scatter_set",
        "%1 = input : int64[4]\n%2 = input! : float64[4,3]\n%8 = scatter_set(%0, %1, %2) : float64[2,3]\n",
        "2,3",
    ),
    ("sum", "%8 = sum(%0, [1]) : float64[2]\n", "2"),
    ("sum all", "%8 = sum(%0, [0 1]) : float64[]\n", ""),
    ("prod", "%8 = prod(%0, [0]) : float64[3]\n", "3"),
    ("prod all", "%8 = prod(%0, [0 1]) : float64[]\n", ""),
    ("max", "%8 = max(%0, [1]) : float64[2]\n", "2"),
    ("min", "%8 = min(%0, [0 1]) : float64[]\n", ""),
    ("cumsum", "%8 = cumsum(%0, [1]) : float64[2,3]\n", "2,3"),
    (
        "cumsum_back",
        "%8 = cumsum_back(%0, [0]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence",
        "%1 = input! : float64[2,3]\n%8 = recurrence(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence0",
        "%1 = input! : float64[2,3]\n%8 = recurrence0(%0, %1, [0]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence_back",
        "%1 = input! : float64[2,3]\n%8 = recurrence_back(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "recurrence_back0",
        "%1 = input! : float64[2,3]\n%8 = recurrence_back0(%0, %1, [1]) : float64[2,3]\n",
        "2,3",
    ),
    (
        "matmul",
        "%1 = input! : float64[3,4]\n%8 = matmul(%0, %1) : float64[2,4]\n",
        "2,4",
    ),
    (
        "matmul0",
        "%1 = input! : float64[3,4]\n%8 = matmul0(%0, %1) : float64[2,4]\n",
        "2,4",
    ),
    (
        "matmul batch",
        "%1 = reshape(%0) : float64[2,1,3]\n%2 = input! : float64[2,3,2]\n%8 = matmul(%1, %2) : float64[2,1,2]\n",
        "2,1,2",
    ),
    ("opaque", "%8 = opaque(%0, #1) : float64[2,3]\n", "2,3"),
    (
        "sorted",
        "%1 = reshape(%0) : float64[6]\n%2 = argsort(%1, [0]) : int64[6]\n%8 = gather(%1, %2) : float64[6]\n",
        "6",
    ),
];

/// Factorisations and what is computed from them: a name, the shape of a matrix `%1`, an operation
/// on `%1` (and on a right-hand side `%4` of shape `[2,3,2]`, or a direction), and the shape of its
/// result.
pub const FACTORED: &[(&str, &str, &str, &str)] = &[
    ("det", "2,3,3", "lu.det(%1, lu)", "2"),
    ("logdet", "2,3,3", "lu.logdet(%1, lu)", "2"),
    ("cholesky", "2,3,3", "cholesky.lower(%3, cholesky)", "2,3,3"),
    ("q", "4,3", "qr.q(%1, qr)", "4,3"),
    ("q of a wide one", "2,2,3", "qr.q(%1, qr)", "2,2,2"),
    ("complete q", "3,2", "qr_complete.q(%1, qr_complete)", "3,3"),
    ("r", "2,4,3", "qr.r(%1, qr)", "2,3,3"),
    ("r of a wide one", "2,4", "qr.r(%1, qr)", "2,4"),
    ("complete r", "4,2", "qr_complete.r(%1, qr_complete)", "4,2"),
    ("eigenvalues", "2,3,3", "eigh.values(%1, eigh)", "2,3"),
    ("eigenvectors", "2,3,3", "eigh.vectors(%1, eigh)", "2,3,3"),
    ("singular values", "2,4,3", "svd.s(%1, svd)", "2,3"),
    ("left vectors", "4,3", "svd.u(%1, svd)", "4,3"),
    (
        "left vectors of a wide one",
        "2,2,3",
        "svd.u(%1, svd)",
        "2,2,2",
    ),
    ("right vectors", "3,2", "svd.vt(%1, svd)", "2,2"),
    (
        "right vectors of a wide one",
        "2,4",
        "svd.vt(%1, svd)",
        "2,4",
    ),
    (
        "a full left basis",
        "3,2",
        "svd_full.u(%1, svd_full)",
        "3,3",
    ),
    (
        "a full right basis",
        "2,3",
        "svd_full.vt(%1, svd_full)",
        "3,3",
    ),
    (
        "resolvent",
        "2,3,3",
        "resolvent.eigh(%1, eigh, %10)",
        "2,3,6",
    ),
    (
        "resolvent of a tall one",
        "4,2",
        "resolvent.svd(%1, svd, %11)",
        "6,4",
    ),
    (
        "resolvent of a wide one",
        "2,2,3",
        "resolvent.svd_full(%1, svd_full, %11)",
        "2,5,4",
    ),
    ("pole without flags", "2,3,3", "pole(%1, %12)", "2,3"),
    ("solve", "2,3,3", "solve.general(%1, lu, %4)", "2,3,2"),
    (
        "solve transposed",
        "2,3,3",
        "solve.general_t_unchecked(%1, lu, %4)",
        "2,3,2",
    ),
    ("lower", "2,3,3", "solve.lower(%1, %4)", "2,3,2"),
    (
        "upper transposed",
        "2,3,3",
        "solve.upper_t(%1, %4)",
        "2,3,2",
    ),
    ("unit upper", "2,3,3", "solve.unit_upper(%1, %4)", "2,3,2"),
    (
        "unit lower transposed",
        "2,3,3",
        "solve.unit_lower_t(%1, %4)",
        "2,3,2",
    ),
    ("pinv", "2,4,3", "pinv(%1, svd, %5)", "2,3,4"),
    ("pinv of a wide one", "2,2,3", "pinv(%1, svd, %5)", "2,3,2"),
    ("cofactors", "2,3,3", "cofactors(%1)", "2,3,3"),
    ("second cofactors", "2,3,3", "cofactors(%1, %6)", "2,3,3"),
    ("third cofactors", "4,4", "cofactors(%1, %1, %6)", "4,4"),
];
