//! The bodies of the fuzz targets, on a fixed number of inputs.

pub use jacrs::{array, ir, ops};

#[path = "fuzz/bodies.rs"]
mod bodies;
#[allow(dead_code)] // other tests use the rest
mod common;
#[path = "../src/execute/tests/random.rs"]
mod random;

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n.max(1)
    }
}

/// What stands in texts of graphs, and what should not.
const WORDS: &[&str] = &[
    "%0",
    "%1",
    "%2",
    "%3",
    " = ",
    "(",
    ")",
    "[",
    "]",
    ", ",
    " : ",
    "float64",
    "float32",
    "int64",
    "bool",
    "complex128",
    "input",
    "input!",
    "const",
    "opaque",
    "return ",
    "\n",
    "#1",
    "[0]",
    "[1 0]",
    "[0 1]",
    "[-1 1]",
    "[3]",
    "[]",
    "[0,3]",
    "[9223372036854775807]",
    "[4611686018427387904,4]",
    "[99999999999999999999]",
    "-9223372036854775808",
    "9223372036854775807",
    "-1",
    "255",
    "256",
    "nan",
    "inf",
    "0",
    "2.5",
    "sin",
    "mul",
    "where",
    "cast",
    "reshape",
    "transpose",
    "broadcast",
    "slice",
    "assign",
    "add_at",
    "item",
    "pack",
    "concat",
    "gather",
    "scatter_add",
    "scatter_set",
    "sum",
    "max",
    "argmax",
    "cumsum",
    "recurrence",
    "argsort",
    "nonzero",
    "matmul0",
    "iota",
    "stop_gradient",
    "\u{fc}",
];

/// Texts of graphs to start from: those of the golden files, and random ones.
fn sources() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let golden = std::fs::read_dir(folder).unwrap().map(|entry| {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        text.split("\n\n").next().unwrap_or_default().to_owned()
    });
    let mut dice = Dice(7);
    let random = (0..40).map(|_| {
        let choices: Vec<u16> = (0..60).map(|_| dice.next() as u16).collect();
        ir::print(&random::random_graph(&choices))
    });
    let mut all: Vec<String> = golden.collect();
    all.sort();
    all.extend(random);
    all
}

/// A text with some of its parts replaced, doubled or left out.
fn mutated(source: &str, dice: &mut Dice) -> String {
    let mut parts: Vec<&str> = source
        .split_inclusive([' ', '(', ')', '[', ']', ',', '\n', ':'])
        .collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(parts.len());
        match dice.below(4) {
            0 => parts[at] = WORDS[dice.below(WORDS.len())],
            1 => parts.insert(at, WORDS[dice.below(WORDS.len())]),
            2 => parts.insert(at, parts[dice.below(parts.len())]),
            _ if parts.len() > 1 => drop(parts.remove(at)),
            _ => {}
        }
    }
    parts.concat()
}

/// What the fuzzer has found: files named after the target and the mistake.
#[test]
fn what_was_found_stays_mended() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/found");
    for entry in std::fs::read_dir(folder).unwrap() {
        let (name, path) = (entry.as_ref().unwrap().file_name(), entry.unwrap().path());
        let bytes = std::fs::read(path).unwrap();
        match name.to_string_lossy().split('-').next() {
            Some("text") => bodies::text(&bytes),
            Some("graph") => bodies::graph(&bytes),
            Some("binary") => bodies::binary(&bytes),
            other => panic!("there is no target {other:?}"),
        }
    }
}

#[test]
fn any_text_is_a_graph_or_an_error() {
    let sources = sources();
    for source in &sources {
        bodies::text(source.as_bytes());
    }
    let mut dice = Dice(1);
    for _ in 0..20_000 {
        let source = &sources[dice.below(sources.len())];
        bodies::text(mutated(source, &mut dice).as_bytes());
    }
    for _ in 0..20_000 {
        let words = (0..dice.below(30)).map(|_| WORDS[dice.below(WORDS.len())]);
        bodies::text(words.collect::<String>().as_bytes());
    }
}

#[test]
fn any_bytes_are_a_graph_whose_plan_and_derivatives_are_right() {
    let mut dice = Dice(2);
    for _ in 0..400 {
        let bytes: Vec<u8> = (0..40 + dice.below(400))
            .map(|_| dice.next() as u8)
            .collect();
        bodies::graph(&bytes);
    }
}

/// Bytes of graphs, with some replaced, doubled, left out or cut off.
#[test]
fn any_bytes_are_a_graph_or_an_error() {
    let graphs = sources().into_iter().map(|text| ir::parse(&text).unwrap());
    let sources: Vec<Vec<u8>> = graphs.map(|graph| ir::encode(&graph)).collect();
    for source in &sources {
        assert!(ir::decode(source).is_ok());
        bodies::binary(source);
        for end in 0..source.len().min(200) {
            assert!(ir::decode(&source[..end]).is_err());
        }
    }
    let mut dice = Dice(3);
    for _ in 0..30_000 {
        let mut bytes = sources[dice.below(sources.len())].clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(4) {
                0 => bytes[at] = dice.next() as u8,
                1 => bytes[at] ^= 1 << dice.below(8),
                2 => bytes.insert(at, bytes[dice.below(bytes.len())]),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        bodies::binary(&bytes);
    }
}
