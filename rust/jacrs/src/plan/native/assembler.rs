//! The few x86-64 instructions that tapes become, as bytes.
//!
//! Encodings are those of Intel's "64 and IA-32 Architectures Software Developer's Manual",
//! volume 2, chapter 2: VEX prefixes over 128-bit registers.

/// A vector register, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xmm(pub u8);

/// A general register, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpr(pub u8);

pub const RBX: Gpr = Gpr(3);
pub const R14: Gpr = Gpr(14);

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Register(Xmm),
    /// Eight bytes at a base and a displacement.
    Memory(Gpr, i32),
    /// Sixteen bytes of the pool.
    Pool(Pooled),
}

/// Constants that lie before the code, each repeated to fill sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub enum Pooled {
    /// The sign bit of a float64.
    Sign,
    /// All other bits.
    Magnitude,
    /// 1.0.
    One,
    /// The bool, as registers hold it.
    True,
}

const POOL: [u64; 4] = [1 << 63, !(1 << 63), 0x3ff0 << 48, 1];

/// An instruction over vector registers: its prefix, its opcode map, its opcode.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    prefix: u8,
    map: u8,
    code: u8,
}

const fn scalar(code: u8) -> Opcode {
    let (prefix, map) = (0b11, 1);
    Opcode { prefix, map, code }
}

const fn packed(map: u8, code: u8) -> Opcode {
    let prefix = 0b01;
    Opcode { prefix, map, code }
}

/// Double-precision arithmetic on the lowest lane.
pub const SQRT: Opcode = scalar(0x51);
pub const ADD: Opcode = scalar(0x58);
pub const MUL: Opcode = scalar(0x59);
pub const SUB: Opcode = scalar(0x5c);
pub const DIV: Opcode = scalar(0x5e);
/// All bits of the lowest lane, by a predicate.
pub const COMPARE: Opcode = scalar(0xc2);
/// All bits of both lanes.
pub const AND: Opcode = packed(1, 0x54);
pub const OR: Opcode = packed(1, 0x56);
pub const XOR: Opcode = packed(1, 0x57);
pub const EQUAL_BITS: Opcode = packed(2, 0x29);
/// To an integer, by a mode.
pub const ROUND: Opcode = packed(3, 0x0b);
/// The second source where a mask, named by the last byte, is set, else the first.
pub const BLEND: Opcode = packed(3, 0x4b);

const LOAD: Opcode = scalar(0x10);
const STORE: Opcode = scalar(0x11);

/// What comparisons ask; the unordered ones hold for NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Predicate {
    Equal = 0x00,
    Unordered = 0x03,
    /// Also where unordered.
    NotEqual = 0x04,
    Less = 0x11,
    LessEqual = 0x12,
    GreaterEqual = 0x1d,
    Greater = 0x1e,
}

/// Code that grows.
pub struct Assembler {
    pub bytes: Vec<u8>,
}

impl Assembler {
    /// The pool, and no code.
    pub fn new() -> Self {
        let twice = POOL.iter().flat_map(|&bits| [bits, bits]);
        let bytes = twice.flat_map(u64::to_le_bytes).collect();
        Self { bytes }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// `out = x op z`.
    pub fn binary(&mut self, op: Opcode, out: Xmm, x: Xmm, z: Source) {
        self.vex(op, out, x, z, None);
    }

    /// `out = x op z` with a parameter: a predicate, a mode, or a register in the upper four bits.
    pub fn with_byte(&mut self, op: Opcode, out: Xmm, x: Xmm, z: Source, byte: u8) {
        self.vex(op, out, x, z, Some(byte));
    }

    pub fn load(&mut self, out: Xmm, base: Gpr, displacement: i32) {
        self.vex(LOAD, out, Xmm(0), Source::Memory(base, displacement), None);
    }

    pub fn load_pooled(&mut self, out: Xmm, pooled: Pooled) {
        self.vex(LOAD, out, Xmm(0), Source::Pool(pooled), None);
    }

    pub fn store(&mut self, from: Xmm, base: Gpr, displacement: i32) {
        self.vex(
            STORE,
            from,
            Xmm(0),
            Source::Memory(base, displacement),
            None,
        );
    }

    fn vex(&mut self, op: Opcode, reg: Xmm, x: Xmm, source: Source, byte: Option<u8>) {
        let rm = match source {
            Source::Register(Xmm(k)) | Source::Memory(Gpr(k), _) => k,
            Source::Pool(_) => 0,
        };
        let (r, b) = (u8::from(reg.0 < 8) << 7, u8::from(rm < 8) << 5);
        let rest = (!x.0 & 15) << 3 | op.prefix;
        if op.map == 1 && b != 0 {
            self.put(&[0xc5, r | rest, op.code]);
        } else {
            self.put(&[0xc4, r | 1 << 6 | b | op.map, rest, op.code]);
        }
        let reg = (reg.0 & 7) << 3;
        match source {
            Source::Register(_) => self.put(&[0xc0 | reg | rm & 7]),
            Source::Memory(base, displacement) => self.memory(reg, base, displacement),
            Source::Pool(pooled) => {
                // Relative to the end of the instruction.
                let end = self.bytes.len() + 5 + usize::from(byte.is_some());
                let displacement = 16 * pooled as i32 - end as i32;
                self.put(&[reg | 0b101]);
                self.put(&displacement.to_le_bytes());
            }
        }
        self.bytes.extend(byte);
    }

    /// The bytes that name memory; `reg` is in its place already.
    fn memory(&mut self, reg: u8, base: Gpr, displacement: i32) {
        debug_assert_ne!(base.0 & 7, 4, "this base needs another form");
        match i8::try_from(displacement) {
            Ok(short) => self.put(&[0x40 | reg | base.0 & 7, short.cast_unsigned()]),
            Err(_) => {
                self.put(&[0x80 | reg | base.0 & 7]);
                self.put(&displacement.to_le_bytes());
            }
        }
    }

    /// `out` from the eight bytes at a base and a displacement.
    pub fn load_pointer(&mut self, out: Gpr, base: Gpr, displacement: i32) {
        self.put(&[0x48 | (out.0 >> 3) << 2 | base.0 >> 3, 0x8b]);
        self.memory((out.0 & 7) << 3, base, displacement);
    }

    /// Saves what is kept, and keeps the three arguments: registers (biased), bases, host.
    pub fn enter(&mut self, bias: i32) {
        // push rbx, rbp, r14; lea rbx, [rdi + bias]; mov r14, rsi; mov rbp, rdx
        self.put(&[0x53, 0x55, 0x41, 0x56, 0x48, 0x8d, 0x9f]);
        self.put(&bias.to_le_bytes());
        self.put(&[0x49, 0x89, 0xf6, 0x48, 0x89, 0xd5]);
    }

    pub fn leave(&mut self) {
        // pop r14, rbp, rbx; ret
        self.put(&[0x41, 0x5e, 0x5d, 0x5b, 0xc3]);
    }

    /// Calls what the host's first field points to, with the host and two numbers.
    pub fn call_host(&mut self, first: u32, count: u32) {
        // mov rdi, rbp; mov esi, first; mov edx, count; call [rbp]
        self.put(&[0x48, 0x89, 0xef, 0xbe]);
        self.put(&first.to_le_bytes());
        self.put(&[0xba]);
        self.put(&count.to_le_bytes());
        self.put(&[0xff, 0x55, 0x00]);
    }
}
