//! How many derivatives are computed side by side.

/// More lanes than this do not fit the registers.
const WIDEST: usize = 8;

/// The number of lanes for `n` derivatives: few passes, evenly filled (the chunk rule of J. Revels,
/// M. Lubin and T. Papamarkou, "Forward-mode automatic differentiation in Julia", 2016), rounded up
/// to a power of two, of which vectors are made.
///
/// ```text
/// n      1  2  3  4  5 to 8  more
/// lanes  1  2  4  4  8       8
/// ```
pub fn width(n: usize) -> usize {
    let passes = n.div_ceil(WIDEST).max(1);
    n.div_ceil(passes).max(1).next_power_of_two()
}

/// `by_width!(n, N => expression)`: the expression with the constant `N` chosen by [`width`].
macro_rules! by_width {
    ($n:expr, $N:ident => $value:expr) => {{
        macro_rules! with {
            ($width:literal) => {{
                const $N: usize = $width;
                $value
            }};
        }
        match $crate::scalar::width($n) {
            1 => with!(1),
            2 => with!(2),
            4 => with!(4),
            _ => with!(8),
        }
    }};
}

pub(crate) use by_width;

#[cfg(test)]
mod tests {
    use super::width;

    #[test]
    fn lanes_are_a_power_of_two_and_passes_are_few() {
        let widths: Vec<usize> = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 100].map(width).into();
        assert_eq!(widths, [1, 1, 2, 4, 4, 8, 8, 8, 8, 8, 8]);
        assert!((1usize..1000).all(|n| n.div_ceil(width(n)) == n.div_ceil(super::WIDEST)));
    }
}
