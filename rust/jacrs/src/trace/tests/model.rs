//! NumPy's semantics over plain memory: strided views of `Vec<f64>`, and loops.
//!
//! Written without looking at the tracer: no nodes, no frames, element by element.

/// Memories, by number.
#[derive(Default)]
pub struct Model {
    pub memories: Vec<Vec<f64>>,
}

/// A strided view of one memory.
#[derive(Clone, Debug)]
pub struct Strided {
    pub memory: usize,
    pub offset: isize,
    pub shape: Vec<usize>,
    pub strides: Vec<isize>,
}

/// One entry of an index.
#[derive(Clone, Debug)]
pub enum Entry {
    At(i64),
    /// Start, step and count, already normal.
    Steps(i64, i64, usize),
    NewAxis,
    Ints(Vec<usize>, Vec<i64>),
    Mask(Vec<usize>, Vec<bool>),
}

/// Every index of a shape, in C order.
pub fn every(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &n in shape {
        all = all
            .into_iter()
            .flat_map(|i| (0..n).map(move |k| [i.clone(), vec![k]].concat()))
            .collect();
    }
    all
}

impl Strided {
    pub fn places(&self) -> Vec<usize> {
        self.addresses()
            .iter()
            .map(|&a| usize::try_from(a).unwrap())
            .collect()
    }

    fn addresses(&self) -> Vec<isize> {
        let steps = |i: &Vec<usize>| {
            i.iter()
                .zip(&self.strides)
                .map(|(&k, s)| k as isize * s)
                .sum::<isize>()
        };
        every(&self.shape)
            .iter()
            .map(|i| self.offset + steps(i))
            .collect()
    }

    pub fn transpose(&self, perm: &[usize]) -> Strided {
        let shape = perm.iter().map(|&p| self.shape[p]).collect();
        let strides = perm.iter().map(|&p| self.strides[p]).collect();
        Strided {
            shape,
            strides,
            ..self.clone()
        }
    }

    /// The same places under another shape, if they are evenly spaced along each axis.
    pub fn reshape(&self, shape: &[usize]) -> Option<Strided> {
        let places = self.addresses();
        let mut strides = vec![0isize; shape.len()];
        let mut step = 1;
        for axis in (0..shape.len()).rev() {
            if shape[axis] > 1 {
                strides[axis] = places[step] - places[0];
            }
            step *= shape[axis];
        }
        let view = Strided {
            shape: shape.to_vec(),
            strides,
            offset: places[0],
            memory: self.memory,
        };
        (view.addresses() == places).then_some(view)
    }

    /// A view by integers, slices and new axes.
    fn basic(&self, index: &[Entry]) -> Strided {
        let mut view = Strided {
            shape: vec![],
            strides: vec![],
            ..self.clone()
        };
        let mut axis = 0;
        for entry in index {
            match entry {
                Entry::At(i) => {
                    let n = self.shape[axis] as i64;
                    let i = if *i < 0 { i + n } else { *i };
                    view.offset += i as isize * self.strides[axis];
                    axis += 1;
                }
                Entry::Steps(first, step, n) => {
                    view.offset += *first as isize * self.strides[axis];
                    view.shape.push(*n);
                    view.strides.push(self.strides[axis] * *step as isize);
                    axis += 1;
                }
                Entry::NewAxis => {
                    view.shape.push(1);
                    view.strides.push(0);
                }
                Entry::Ints(..) | Entry::Mask(..) => unreachable!("not basic"),
            }
        }
        view.shape.extend(&self.shape[axis..]);
        view.strides.extend(&self.strides[axis..]);
        view
    }

    /// The places that an index names, with the shape of the result; a view if it is basic.
    ///
    /// There is one array at most, and no integer beside it: its axes stay where it stands.
    pub fn index(&self, index: &[Entry]) -> (Vec<usize>, Vec<usize>, Option<Strided>) {
        let Some(at) = index
            .iter()
            .position(|e| matches!(e, Entry::Ints(..) | Entry::Mask(..)))
        else {
            let view = self.basic(index);
            return (view.places(), view.shape.clone(), Some(view));
        };
        let (depth, shape, hits) = hits(&index[at]);
        let with = |hit: &[i64]| {
            let integers = hit.iter().map(|&i| Entry::At(i));
            let entries = index[..at]
                .iter()
                .cloned()
                .chain(integers)
                .chain(index[at + 1..].iter().cloned());
            self.basic(&entries.collect::<Vec<_>>())
        };
        let lead = self.basic(&index[..at]).shape.len() - (self.shape.len() - taken(&index[..at]));
        let rest = with(&vec![0; depth]).shape;
        let (before, after) = rest.split_at(lead);
        let columns: Vec<Vec<usize>> = hits.iter().map(|hit| with(hit).places()).collect();
        let inner: usize = after.iter().product();
        let mut places = vec![];
        for i in 0..before.iter().product() {
            for column in &columns {
                places.extend(&column[i * inner..(i + 1) * inner]);
            }
        }
        (places, [before, &shape, after].concat(), None)
    }
}

/// How many axes an array takes, its own shape, and the integers it stands for.
fn hits(entry: &Entry) -> (usize, Vec<usize>, Vec<Vec<i64>>) {
    match entry {
        Entry::Ints(shape, data) => (1, shape.clone(), data.iter().map(|&i| vec![i]).collect()),
        Entry::Mask(shape, flags) => {
            let hits: Vec<Vec<i64>> = (every(shape).iter().zip(flags))
                .filter(|(_, flag)| **flag)
                .map(|(i, _)| i.iter().map(|&k| k as i64).collect())
                .collect();
            (shape.len(), vec![hits.len()], hits)
        }
        _ => unreachable!("no array"),
    }
}

/// The axes that basic entries take.
fn taken(index: &[Entry]) -> usize {
    index
        .iter()
        .filter(|e| !matches!(e, Entry::NewAxis))
        .count()
}

impl Model {
    pub fn create(&mut self, shape: &[usize], data: Vec<f64>) -> Strided {
        self.memories.push(data);
        let mut strides = vec![1isize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis] as isize;
        }
        Strided {
            memory: self.memories.len() - 1,
            offset: 0,
            shape: shape.to_vec(),
            strides,
        }
    }

    pub fn read(&self, view: &Strided) -> Vec<f64> {
        view.places()
            .iter()
            .map(|&p| self.memories[view.memory][p])
            .collect()
    }

    pub fn write(&mut self, memory: usize, places: &[usize], values: &[f64], add: bool) {
        for (k, &place) in places.iter().enumerate() {
            let cell = &mut self.memories[memory][place];
            let value = values[if values.len() == 1 { 0 } else { k }];
            *cell = if add { *cell + value } else { value };
        }
    }
}
