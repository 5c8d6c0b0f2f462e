//! Shapes with strides, and walks over several of them in step.

use smallvec::SmallVec;

use crate::interrupt::{STRETCH, pause};

/// A shape, outermost axis first.
pub type Dims = SmallVec<[usize; 6]>;
/// Strides in elements; negative and zero ones are allowed.
pub type Strides = SmallVec<[isize; 6]>;

/// The number of elements of a shape.
pub fn product(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// How an array lies in memory, from the address of its first element.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    pub shape: Dims,
    pub strides: Strides,
}

impl Clone for Layout {
    /// As the derived one, which would copy number by number.
    fn clone(&self) -> Self {
        Self {
            shape: Dims::from_slice(&self.shape),
            strides: Strides::from_slice(&self.strides),
        }
    }
}

impl Layout {
    /// C order.
    pub fn contiguous(shape: &[usize]) -> Self {
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        let mut step = 1isize;
        for (stride, &n) in strides.iter_mut().zip(shape).rev() {
            *stride = step;
            step *= n.max(1) as isize;
        }
        Self {
            shape: Dims::from_slice(shape),
            strides,
        }
    }

    pub fn is_contiguous(&self) -> bool {
        let mut step = 1isize;
        for (&n, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if n == 0 {
                return true;
            }
            if n != 1 && stride != step {
                return false;
            }
            step *= n as isize;
        }
        true
    }

    /// Axis `i` of the result is axis `perm[i]` of this layout.
    #[must_use]
    pub fn transpose(&self, perm: &[usize]) -> Self {
        Self {
            shape: perm.iter().map(|&p| self.shape[p]).collect(),
            strides: perm.iter().map(|&p| self.strides[p]).collect(),
        }
    }

    /// NumPy's broadcasting to a shape that is known to fit.
    #[must_use]
    pub fn broadcast(&self, shape: &[usize]) -> Self {
        let lead = shape.len() - self.shape.len();
        let strides = (0..shape.len()).map(|i| match i.checked_sub(lead) {
            Some(j) if self.shape[j] == shape[i] => self.strides[j],
            _ => 0,
        });
        Self {
            shape: shape.into(),
            strides: strides.collect(),
        }
    }

    /// The elements `start + step * k`, `k < shape[axis]`, of every axis: offset and layout.
    pub fn slice(&self, starts: &[i64], steps: &[i64], shape: &[usize]) -> (isize, Self) {
        let mut offset = 0;
        let mut strides = Strides::with_capacity(shape.len());
        for axis in 0..shape.len() {
            offset += self.strides[axis] * starts[axis] as isize;
            strides.push(self.strides[axis] * steps[axis] as isize);
        }
        (
            offset,
            Self {
                shape: shape.into(),
                strides,
            },
        )
    }

    /// The layout of the same elements, in C order, under another shape; `None` where that takes a
    /// copy. NumPy's rule (`_attempt_nocopy_reshape`): runs of old axes that are evenly spaced
    /// are merged and split again.
    pub fn reshape(&self, shape: &[usize]) -> Option<Self> {
        if product(&self.shape) == 0 {
            return Some(Self::contiguous(shape));
        }
        let old: SmallVec<[(usize, isize); 6]> = (self.shape.iter().copied())
            .zip(self.strides.iter().copied())
            .filter(|&(n, _)| n != 1)
            .collect();
        let mut strides: Strides = SmallVec::from_elem(0, shape.len());
        let (mut i, mut j) = (0, 0);
        while i < old.len() && j < shape.len() {
            let (first_new, first_old) = (j, i);
            let (mut have, mut want) = (old[i].0, shape[j]);
            while have != want {
                if have < want {
                    i += 1;
                    if old[i - 1].1 != old[i].1 * old[i].0 as isize {
                        return None;
                    }
                    have *= old[i].0;
                } else {
                    j += 1;
                    want *= shape[j];
                }
            }
            debug_assert!(first_old <= i);
            let mut step = old[i].1;
            for k in (first_new..=j).rev() {
                strides[k] = step;
                step *= shape[k] as isize;
            }
            i += 1;
            j += 1;
        }
        let last = old.last().map_or(1, |&(_, s)| s);
        for k in j..shape.len() {
            strides[k] = last;
        }
        Some(Self {
            shape: shape.into(),
            strides,
        })
    }
}

/// Merges neighbouring axes that every operand passes evenly, and drops axes of length one: the
/// fewest axes that describe the same walk. Strides are rows, one for each operand.
pub fn coalesce<const N: usize>(shape: &[usize], strides: [&[isize]; N]) -> (Dims, [Strides; N]) {
    let mut dims = Dims::new();
    let mut out: [Strides; N] = std::array::from_fn(|_| Strides::new());
    for axis in 0..shape.len() {
        if shape[axis] == 1 {
            continue;
        }
        let merges = !dims.is_empty()
            && (0..N)
                .all(|k| *out[k].last().unwrap_or(&0) == strides[k][axis] * shape[axis] as isize);
        if merges {
            *dims.last_mut().unwrap() *= shape[axis];
            for k in 0..N {
                *out[k].last_mut().unwrap() = strides[k][axis];
            }
        } else {
            dims.push(shape[axis]);
            for k in 0..N {
                out[k].push(strides[k][axis]);
            }
        }
    }
    (dims, out)
}

/// Visits every index of `shape` in C order with the offset of each operand.
pub fn walk<const N: usize>(
    shape: &[usize],
    strides: [&[isize]; N],
    mut body: impl FnMut([isize; N]),
) {
    if product(shape) == 0 {
        return;
    }
    let mut index: Dims = SmallVec::from_elem(0, shape.len());
    let mut offsets = [0isize; N];
    let mut visited = 0;
    loop {
        body(offsets);
        visited += 1;
        if visited % STRETCH == 0 {
            pause();
        }
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            for k in 0..N {
                offsets[k] += strides[k][axis];
            }
            if index[axis] < shape[axis] {
                break;
            }
            for k in 0..N {
                offsets[k] -= strides[k][axis] * shape[axis] as isize;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_is_a_view_where_numpy_says_so() {
        let c = Layout::contiguous(&[2, 3, 4]);
        assert_eq!(c.reshape(&[6, 4]).unwrap().strides.as_slice(), &[4, 1]);
        assert_eq!(
            c.reshape(&[2, 1, 12]).unwrap().shape.as_slice(),
            &[2, 1, 12]
        );
        assert!(c.transpose(&[1, 0, 2]).reshape(&[6, 4]).is_none());
        assert_eq!(
            c.transpose(&[2, 0, 1])
                .reshape(&[4, 6])
                .unwrap()
                .strides
                .as_slice(),
            &[1, 4]
        );
        assert!(Layout::contiguous(&[]).reshape(&[1, 1]).is_some());
    }

    #[test]
    fn walk_visits_in_order() {
        let mut seen = vec![];
        walk(&[2, 3], [&[1, 2], &[0, -1]], |[a, b]| seen.push((a, b)));
        assert_eq!(seen, [(0, 0), (2, -1), (4, -2), (1, 0), (3, -1), (5, -2)]);
    }

    #[test]
    fn coalesce_keeps_the_walk() {
        let (dims, [a]) = coalesce(&[2, 1, 3, 4], [&[12, 9, 4, 1]]);
        assert_eq!((dims.as_slice(), a.as_slice()), (&[24][..], &[1][..]));
    }
}
