//! Random programs of views and writes: the recording and the model must agree on every alias.

use proptest::prelude::*;

use super::super::{Handle, Index, Recording};
use super::model::{Entry, Model, Strided};
use super::{contents, number};
use crate::array::{Array, DType};
use crate::ops::Fun;
use crate::trace::Weak;

/// One step, in numbers that are made to fit what is there.
#[derive(Clone, Debug)]
enum Step {
    View {
        of: usize,
        index: Vec<[u8; 4]>,
    },
    Transpose {
        of: usize,
        seed: u8,
    },
    Reshape {
        of: usize,
        seed: u8,
    },
    Copy {
        of: usize,
    },
    Write {
        to: usize,
        index: Vec<[u8; 4]>,
        repeat: bool,
        add: bool,
    },
    /// `to[index] = from[other]`, where the sizes allow.
    Move {
        to: usize,
        from: usize,
    },
    Double {
        of: usize,
    },
    Read {
        of: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let index = || prop::collection::vec(any::<[u8; 4]>(), 0..4);
    let of = 0..64usize;
    prop_oneof![
        4 => (of.clone(), index()).prop_map(|(of, index)| Step::View { of, index }),
        2 => (of.clone(), any::<u8>()).prop_map(|(of, seed)| Step::Transpose { of, seed }),
        2 => (of.clone(), any::<u8>()).prop_map(|(of, seed)| Step::Reshape { of, seed }),
        1 => of.clone().prop_map(|of| Step::Copy { of }),
        8 => (of.clone(), index(), any::<bool>(), any::<bool>())
            .prop_map(|(to, index, repeat, add)| Step::Write { to, index, repeat, add }),
        2 => (of.clone(), of.clone()).prop_map(|(to, from)| Step::Move { to, from }),
        1 => of.clone().prop_map(|of| Step::Double { of }),
        2 => of.prop_map(|of| Step::Read { of }),
    ]
}

/// The two worlds side by side.
#[derive(Default)]
struct World {
    recording: Recording,
    model: Model,
    pairs: Vec<(Handle, Strided)>,
    clock: f64,
    /// Index arrays are captured and computed in turn.
    ticks: usize,
}

/// An index that fits a shape, for both worlds.
fn fit(index: &[[u8; 4]], shape: &[usize], arrays: bool) -> Vec<Entry> {
    let mut entries = vec![];
    let mut axis = 0;
    let mut array = false;
    for &[kind, a, b, c] in index {
        if kind % 8 == 7 {
            entries.push(Entry::NewAxis);
            continue;
        }
        if axis == shape.len() {
            continue;
        }
        let n = shape[axis];
        match kind % 8 {
            0 | 1 if !array && n > 0 => {
                entries.push(Entry::At(i64::from(a) % (2 * n as i64) - n as i64));
            }
            5 if arrays
                && !array
                && n > 0
                && !entries.iter().any(|e| matches!(e, Entry::At(_))) =>
            {
                array = true;
                let dims = if b % 3 == 0 {
                    vec![2, 2]
                } else {
                    vec![b as usize % 4]
                };
                let count: usize = dims.iter().product();
                let pick =
                    |k: usize| (a as usize + k * c as usize) as i64 % (2 * n as i64) - n as i64;
                entries.push(Entry::Ints(dims, (0..count).map(pick).collect()));
            }
            6 if arrays && !array && !entries.iter().any(|e| matches!(e, Entry::At(_))) => {
                array = true;
                let depth = if b % 2 == 0 && axis + 1 < shape.len() {
                    2
                } else {
                    1
                };
                let dims = shape[axis..axis + depth].to_vec();
                let bits = (u32::from(a) << 8 | u32::from(c)) ^ 0x5a5a;
                let count: usize = dims.iter().product();
                entries.push(Entry::Mask(
                    dims,
                    (0..count).map(|k| bits >> (k % 16) & 1 == 1).collect(),
                ));
                axis += depth - 1;
            }
            _ => {
                let step = [1, 1, 2, -1, -2, 3][a as usize % 6];
                let first = if n == 0 { 0 } else { b as usize % n };
                let room = if n == 0 {
                    0
                } else if step > 0 {
                    (n - 1 - first) / step as usize + 1
                } else {
                    first / (-step) as usize + 1
                };
                let count = if c % 4 == 0 {
                    room
                } else {
                    room.min(c as usize % 5)
                };
                entries.push(Entry::Steps(first as i64, step, count));
            }
        }
        axis += 1;
    }
    entries
}

impl World {
    fn tick(&mut self) -> f64 {
        self.clock += 1.0;
        self.clock + 0.25
    }

    fn create(&mut self, shape: &[usize], zero: bool) {
        let n: usize = shape.iter().product();
        let data: Vec<f64> = (0..n)
            .map(|_| if zero { 0.0 } else { self.tick() })
            .collect();
        let h = if zero {
            self.recording.filled(DType::F64, shape, 0.0)
        } else {
            let x = self
                .recording
                .argument(Array::from_slice(shape, &data), true);
            self.recording.copy(x)
        };
        let m = self.model.create(shape, data);
        self.pairs.push((h, m));
    }

    fn index(&mut self, entries: &[Entry]) -> Vec<Index> {
        (entries.iter())
            .map(|e| match e {
                Entry::At(i) => Index::At(*i),
                Entry::NewAxis => Index::NewAxis,
                Entry::Steps(first, step, n) => {
                    let last = first + step * *n as i64;
                    // Written as a program would: an end before the first element is left out.
                    let stop = if *n == 0 {
                        Some(*first)
                    } else if last < 0 {
                        None
                    } else {
                        Some(last)
                    };
                    Index::Slice {
                        start: Some(*first),
                        stop,
                        step: Some(*step),
                    }
                }
                Entry::Ints(shape, data) => {
                    self.ticks += 1;
                    let r = &mut self.recording;
                    let h = if self.ticks.is_multiple_of(2) {
                        r.captured(
                            Array::from_slice(shape, data),
                            crate::trace::Access::Writable,
                        )
                    } else {
                        r.argument(Array::from_slice(shape, data), false)
                    };
                    Index::Array(r.node(h))
                }
                Entry::Mask(shape, data) => {
                    self.ticks += 1;
                    let r = &mut self.recording;
                    let h = if self.ticks.is_multiple_of(2) {
                        r.captured(
                            Array::from_slice(shape, data),
                            crate::trace::Access::Writable,
                        )
                    } else {
                        r.argument(Array::from_slice(shape, data), false)
                    };
                    Index::Mask(r.node(h))
                }
            })
            .collect()
    }

    fn view(&mut self, k: usize, index: &[[u8; 4]]) {
        let m = self.pairs[k].1.clone();
        let entries = fit(index, &m.shape, true);
        let (places, shape, view) = m.index(&entries);
        let index = self.index(&entries);
        let mut h = self.pairs[k].0;
        let new = self.recording.view(&mut h, &index).unwrap();
        self.pairs[k].0 = h;
        let integers =
            index.len() == m.shape.len() && index.iter().all(|i| matches!(i, Index::At(_)));
        let m = match view {
            Some(view) if !integers => view,
            _ => {
                let data = places
                    .iter()
                    .map(|&p| self.model.memories[m.memory][p])
                    .collect();
                self.model.create(&shape, data)
            }
        };
        self.pairs.push((new, m));
    }

    fn write(&mut self, k: usize, index: &[[u8; 4]], repeat: bool, add: bool) {
        let (mut h, m) = self.pairs[k].clone();
        if m.shape.is_empty() && matches!(h, Handle::Value(_)) {
            return;
        }
        let entries = fit(index, &m.shape, true);
        let (places, shape, _) = m.index(&entries);
        let n = if repeat { 1 } else { places.len() };
        let values: Vec<f64> = (0..n).map(|_| self.tick()).collect();
        let index = self.index(&entries);
        let r = &mut self.recording;
        let value = if repeat {
            number(r, values[0])
        } else {
            let v = r.argument(Array::from_slice(&shape, &values), true);
            r.node(v)
        };
        let done = if add {
            r.add_at(&mut h, &index, value)
        } else {
            r.assign(&mut h, &index, value)
        };
        self.pairs[k].0 = h;
        match done {
            Ok(()) => self.model.write(m.memory, &places, &values, add),
            Err(e) => assert!(e.message.contains("ambiguous"), "{e}"),
        }
    }

    fn run(&mut self, step: &Step) {
        let at = |k: usize| k % self.pairs.len();
        match step {
            Step::View { of, index } => self.view(at(*of), index),
            Step::Transpose { of, seed } => {
                let k = at(*of);
                let m = self.pairs[k].1.clone();
                let mut perm: Vec<usize> = (0..m.shape.len()).collect();
                let by = usize::from(*seed) % perm.len().max(1);
                perm.rotate_left(by);
                let mut h = self.pairs[k].0;
                let new = self.recording.transpose(&mut h, &perm).unwrap();
                self.pairs[k].0 = h;
                self.pairs.push((new, m.transpose(&perm)));
            }
            Step::Reshape { of, seed } => self.reshape(at(*of), *seed),
            Step::Copy { of } => {
                let k = at(*of);
                let (h, m) = self.pairs[k].clone();
                let new = self.recording.copy(h);
                let m = self.model.create(&m.shape.clone(), self.model.read(&m));
                self.pairs.push((new, m));
            }
            Step::Write {
                to,
                index,
                repeat,
                add,
            } => self.write(at(*to), index, *repeat, *add),
            Step::Move { to, from } => self.transfer(at(*to), at(*from)),
            Step::Double { of } => {
                let (h, m) = self.pairs[at(*of)].clone();
                let r = &mut self.recording;
                let x = r.node(h);
                let y = r
                    .map(Fun::Add, &[(x, Weak::None), (x, Weak::None)])
                    .unwrap();
                let new = r.fresh(y);
                let data = self.model.read(&m).iter().map(|v| v + v).collect();
                let m = self.model.create(&m.shape, data);
                self.pairs.push((new, m));
            }
            Step::Read { of } => self.check(at(*of)),
        }
    }

    fn reshape(&mut self, k: usize, seed: u8) {
        let (mut h, m) = self.pairs[k].clone();
        let n: usize = m.shape.iter().product();
        if n == 0 {
            return;
        }
        let divisors: Vec<usize> = (1..=n).filter(|d| n.is_multiple_of(*d)).collect();
        let a = divisors[usize::from(seed) % divisors.len()];
        let shape = if seed.is_multiple_of(3) {
            vec![n]
        } else {
            vec![a, n / a]
        };
        let long = |shape: &[usize]| shape.iter().copied().filter(|&n| n > 1).collect::<Vec<_>>();
        // What is only squeezed is a view in any order of the axes.
        let known = !self.recording.is_unordered(h) || long(&m.shape) == long(&shape);
        let new = self.recording.reshape(&mut h, &shape).unwrap();
        self.pairs[k].0 = h;
        let m = match m.reshape(&shape) {
            Some(view) if known => view,
            _ => self.model.create(&shape, self.model.read(&m)),
        };
        self.pairs.push((new, m));
    }

    /// `to[:n, ...] = from[..n]` along flat slices of both.
    fn transfer(&mut self, to: usize, from: usize) {
        let (a, b) = (self.pairs[to].1.clone(), self.pairs[from].1.clone());
        if a.shape.len() != 1 || b.shape.len() != 1 {
            return;
        }
        let n = a.shape[0].min(b.shape[0]);
        let index = [Index::from(..n as i64)];
        let mut source = self.pairs[from].0;
        let r = &mut self.recording;
        let part = r.view(&mut source, &index).unwrap();
        self.pairs[from].0 = source;
        let node = r.node(part);
        let mut target = self.pairs[to].0;
        let done = r.assign(&mut target, &index, node);
        self.pairs[to].0 = target;
        match done {
            Ok(()) => {
                let values: Vec<f64> = self.model.read(&b)[..n].to_vec();
                for (k, place) in a.places()[..n].iter().enumerate() {
                    self.model.memories[a.memory][*place] = values[k];
                }
            }
            Err(e) => assert!(e.message.contains("ambiguous"), "{e}"),
        }
    }

    fn check(&mut self, k: usize) {
        let (h, m) = self.pairs[k].clone();
        assert_eq!(self.recording.shape(h), m.shape.as_slice());
        assert_eq!(
            contents(&mut self.recording, h),
            self.model.read(&m),
            "alias {k}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn every_alias_sees_every_write(
        shapes in prop::collection::vec((prop::collection::vec(1..5usize, 0..4), any::<bool>()), 1..4),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = World::default();
        world.create(&[30], true);
        for (shape, zero) in &shapes {
            world.create(shape, *zero);
        }
        for step in &steps {
            world.run(step);
        }
        for k in 0..world.pairs.len() {
            world.check(k);
        }
        crate::ops::verify(&world.recording.graph).unwrap();
    }
}
