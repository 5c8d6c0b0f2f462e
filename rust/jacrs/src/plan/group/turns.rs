//! The sines and cosines of a group that are computed together.

use hashbrown::HashMap;

use crate::ops::Fun;
use crate::plan::draft::{GroupDraft, Value};

/// Which nodes are the sine and the cosine of one number. Both are computed where the first of them
/// stands; as their operand is no longer needed by the second, it is the cosine, say, and not the
/// angle that is kept until then.
#[derive(Default)]
pub struct Turns {
    /// The second of a pair by the first, and the first by the second.
    seconds: HashMap<usize, usize>,
    firsts: HashMap<usize, usize>,
}

impl Turns {
    pub fn of(draft: &GroupDraft) -> Self {
        let mut turns = Self::default();
        let mut alone: HashMap<(Value, Fun), usize> = HashMap::new();
        for (k, node) in draft.nodes.iter().enumerate() {
            let other = match node.fun {
                Fun::Sin => Fun::Cos,
                Fun::Cos => Fun::Sin,
                _ => continue,
            };
            let (angle, _) = node.operands[0];
            if let Some(first) = alone.remove(&(angle, other)) {
                turns.seconds.insert(first, k);
                turns.firsts.insert(k, first);
            } else {
                alone.insert((angle, node.fun), k);
            }
        }
        turns
    }

    /// The node that is computed together with this one, of which it is the first.
    pub fn second(&self, k: usize) -> Option<usize> {
        self.seconds.get(&k).copied()
    }

    /// The place of the node where this one is computed: its own, or that of the first of a pair.
    pub fn place(&self, k: usize) -> usize {
        self.firsts.get(&k).copied().unwrap_or(k)
    }
}
