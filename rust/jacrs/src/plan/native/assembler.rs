//! The few x86-64 instructions that programs become, as bytes.
//!
//! Encodings are those of Intel's "64 and IA-32 Architectures Software Developer's Manual",
//! volume 2, chapter 2: VEX prefixes over registers of 128 bits, or 256 where code is wide.

/// A vector register, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xmm(pub u8);

/// A general register, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpr(pub u8);

pub const RBX: Gpr = Gpr(3);
pub const RDI: Gpr = Gpr(7);
pub const R14: Gpr = Gpr(14);
/// Who is called leaves these as they were: rbx, rbp, r12 to r15.
const KEPT: [u8; 6] = [3, 5, 12, 13, 14, 15];

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Register(Xmm),
    /// At a base and a displacement.
    Memory(Gpr, i32),
    /// At a base, the elements from the one on that the counter of the loop counts.
    Element(Gpr, Size),
    /// A constant of the pool.
    Pool(Pooled),
}

/// Bytes of an element.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Size {
    One = 0,
    Eight = 3,
}

/// Constants that lie before the code, each repeated to fill a wide register.
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
/// Lanes of a wide register.
pub const LANES: u8 = 4;

/// An instruction over vector registers: its opcode map, its opcode in narrow and in wide code.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    form: Form,
    map: u8,
    code: [u8; 2],
}

/// Which lanes an instruction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In narrow code on the lowest lane alone, of double precision.
    Arithmetic,
    /// In narrow code on two lanes.
    Bits,
    /// On the lower half, in wide code as well.
    Half,
    /// On quadwords of a wide register.
    Quadwords,
}

const fn opcode(form: Form, map: u8, code: u8) -> Opcode {
    let code = [code, code];
    Opcode { form, map, code }
}

const fn arithmetic(code: u8) -> Opcode {
    opcode(Form::Arithmetic, 1, code)
}

const fn bits(map: u8, code: u8) -> Opcode {
    opcode(Form::Bits, map, code)
}

/// Double-precision arithmetic.
pub const SQRT: Opcode = arithmetic(0x51);
pub const ADD: Opcode = arithmetic(0x58);
pub const MUL: Opcode = arithmetic(0x59);
pub const SUB: Opcode = arithmetic(0x5c);
pub const DIV: Opcode = arithmetic(0x5e);
/// All bits of a lane, by a predicate.
pub const COMPARE: Opcode = arithmetic(0xc2);
/// All bits of the register.
pub const AND: Opcode = bits(1, 0x54);
pub const OR: Opcode = bits(1, 0x56);
pub const XOR: Opcode = bits(1, 0x57);
pub const EQUAL_BITS: Opcode = bits(2, 0x29);
/// To an integer, by a mode.
pub const ROUND: Opcode = Opcode {
    form: Form::Bits,
    map: 3,
    code: [0x0b, 0x09],
};
/// The second source where a mask, named by the last byte, is set, else the first.
pub const BLEND: Opcode = bits(3, 0x4b);

const LOAD: Opcode = arithmetic(0x10);
const STORE: Opcode = arithmetic(0x11);
/// One number to all lanes.
const BROADCAST: Opcode = bits(2, 0x19);
/// Bytes to quadwords, one byte to a quadword, and back.
const WIDEN: Opcode = bits(2, 0x32);
const INSERT_BYTE: Opcode = opcode(Form::Half, 3, 0x20);
const EXTRACT_BYTE: Opcode = opcode(Form::Half, 3, 0x14);
/// In each half, doublewords by number.
const SHUFFLE: Opcode = bits(1, 0x70);
const PERMUTE: Opcode = opcode(Form::Quadwords, 3, 0x00);
/// To half the size: the first source, then the second.
const PACK_DOUBLEWORDS: Opcode = opcode(Form::Half, 2, 0x2b);
const PACK_WORDS: Opcode = opcode(Form::Half, 1, 0x67);
const STORE_DOUBLEWORD: Opcode = opcode(Form::Half, 1, 0x7e);

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
    /// What is appended works on four numbers at once.
    pub wide: bool,
}

impl Assembler {
    /// The pool, and no code.
    pub fn new() -> Self {
        let repeated = POOL.iter().flat_map(|&bits| [bits; LANES as usize]);
        Self {
            bytes: repeated.flat_map(u64::to_le_bytes).collect(),
            wide: false,
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// `out = x op z`.
    pub fn binary(&mut self, op: Opcode, out: Xmm, x: Xmm, z: Source) {
        self.vex(op, out, x, z, None);
    }

    /// `out = x op z` with a parameter: a predicate, or a register in the upper four bits.
    pub fn with_byte(&mut self, op: Opcode, out: Xmm, x: Xmm, z: Source, byte: u8) {
        self.vex(op, out, x, z, Some(byte));
    }

    /// `out = op x`, perhaps with a parameter.
    pub fn unary(&mut self, op: Opcode, out: Xmm, x: Xmm, byte: Option<u8>) {
        // Narrow code takes the upper lane from a second operand.
        let upper = if self.wide { Xmm(0) } else { x };
        self.vex(op, out, upper, Source::Register(x), byte);
    }

    pub fn load(&mut self, out: Xmm, from: Source) {
        self.vex(LOAD, out, Xmm(0), from, None);
    }

    pub fn store(&mut self, from: Xmm, to: Source) {
        self.vex(STORE, from, Xmm(0), to, None);
    }

    /// One number in all lanes.
    pub fn load_repeated(&mut self, out: Xmm, base: Gpr) {
        let op = if self.wide { BROADCAST } else { LOAD };
        self.vex(op, out, Xmm(0), Source::Memory(base, 0), None);
    }

    /// Bools, which are bytes in memory and quadwords in registers.
    pub fn load_bools(&mut self, out: Xmm, base: Gpr) {
        let from = Source::Element(base, Size::One);
        if self.wide {
            return self.vex(WIDEN, out, Xmm(0), from, None);
        }
        self.binary(XOR, out, out, Source::Register(out));
        self.with_byte(INSERT_BYTE, out, out, from, 0);
    }

    /// The same back; the register is lost.
    pub fn store_bools(&mut self, from: Xmm, base: Gpr) {
        let to = Source::Element(base, Size::One);
        if !self.wide {
            return self.with_byte(EXTRACT_BYTE, from, Xmm(0), to, 0);
        }
        let itself = Source::Register(from);
        // Doublewords 0 and 2 of each half, then the first quadword of each.
        self.with_byte(SHUFFLE, from, Xmm(0), itself, 0b1000);
        self.with_byte(PERMUTE, from, Xmm(0), itself, 0b1000);
        self.binary(PACK_DOUBLEWORDS, from, from, itself);
        self.binary(PACK_WORDS, from, from, itself);
        self.binary(STORE_DOUBLEWORD, from, Xmm(0), to);
    }

    fn vex(&mut self, op: Opcode, reg: Xmm, x: Xmm, source: Source, byte: Option<u8>) {
        let rm = match source {
            Source::Register(Xmm(k)) | Source::Memory(Gpr(k), _) | Source::Element(Gpr(k), _) => k,
            Source::Pool(_) => 0,
        };
        let wide = self.wide && op.form != Form::Half;
        let prefix = if op.form == Form::Arithmetic && !wide {
            0b11
        } else {
            0b01
        };
        let code = op.code[usize::from(wide)];
        let (r, b) = (u8::from(reg.0 < 8) << 7, u8::from(rm < 8) << 5);
        let w = u8::from(op.form == Form::Quadwords) << 7;
        let rest = w | (!x.0 & 15) << 3 | u8::from(wide) << 2 | prefix;
        if op.map == 1 && b != 0 {
            self.put(&[0xc5, r | rest, code]);
        } else {
            self.put(&[0xc4, r | 1 << 6 | b | op.map, rest, code]);
        }
        let reg = (reg.0 & 7) << 3;
        match source {
            Source::Register(_) => self.put(&[0xc0 | reg | rm & 7]),
            Source::Memory(base, displacement) => self.memory(reg, base, displacement),
            Source::Element(base, size) => {
                let index = (size as u8) << 6 | COUNTER << 3 | base.0 & 7;
                match base.0 & 7 {
                    // Without a displacement this would be no base.
                    5 => self.put(&[0x40 | reg | 0b100, index, 0]),
                    _ => self.put(&[reg | 0b100, index]),
                }
            }
            Source::Pool(pooled) => {
                // Relative to the end of the instruction.
                let end = self.bytes.len() + 5 + usize::from(byte.is_some());
                let displacement = 8 * i32::from(LANES) * pooled as i32 - end as i32;
                self.put(&[reg | 0b101]);
                self.put(&displacement.to_le_bytes());
            }
        }
        self.bytes.extend(byte);
    }

    /// The bytes that name memory; `reg` is in its place already.
    fn memory(&mut self, reg: u8, base: Gpr, displacement: i32) {
        let short = i8::try_from(displacement);
        let form = if short.is_ok() { 0x40 } else { 0x80 };
        self.put(&[form | reg | base.0 & 7]);
        if base.0 & 7 == 4 {
            self.put(&[0x24]); // no index
        }
        match short {
            Ok(short) => self.put(&[short.cast_unsigned()]),
            Err(_) => self.put(&displacement.to_le_bytes()),
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

    /// Calls a function at an address.
    pub fn call(&mut self, address: usize) {
        // mov rax, address; call rax
        self.put(&[0x48, 0xb8]);
        self.put(&(address as u64).to_le_bytes());
        self.put(&[0xff, 0xd0]);
    }

    /// Saves those of these registers that a caller expects to find again.
    pub fn save(&mut self, registers: &[Gpr]) {
        for register in registers.iter().filter(|r| KEPT.contains(&r.0)) {
            self.put(&[0x40 | register.0 >> 3, 0x50 | register.0 & 7]); // push
        }
    }

    /// Restores what was saved.
    pub fn restore(&mut self, registers: &[Gpr]) {
        for register in registers.iter().rev().filter(|r| KEPT.contains(&r.0)) {
            self.put(&[0x40 | register.0 >> 3, 0x58 | register.0 & 7]); // pop
        }
    }

    /// Begins to count.
    pub fn start_counter(&mut self) {
        // xor ecx, ecx
        self.put(&[0x31, 0xc9]);
    }

    /// Repeats the body as long as `step` more are no more than the second argument. What rax holds
    /// is lost between one time and the next.
    pub fn repeat(&mut self, step: u8, body: impl FnOnce(&mut Self)) {
        // lea rax, [rcx + step]; cmp rax, rsi; ja end
        let test = [0x48, 0x8d, 0x41, step, 0x48, 0x39, 0xf0, 0x0f];
        self.put(&test);
        self.put(&[0x87, 0, 0, 0, 0]);
        let top = self.bytes.len();
        body(self);
        // add rcx, step; the test again; jbe top
        self.put(&[0x48, 0x83, 0xc1, step]);
        self.put(&test);
        self.put(&[0x86]);
        let end = self.bytes.len() + 4;
        self.put(&(top as i32 - end as i32).to_le_bytes());
        self.bytes[top - 4..top].copy_from_slice(&((end - top) as i32).to_le_bytes());
    }

    /// Returns to code that is not aware of wide registers.
    pub fn leave_loop(&mut self) {
        // vzeroupper; ret
        self.put(&[0xc5, 0xf8, 0x77, 0xc3]);
    }
}

/// The counter of a loop: rcx.
const COUNTER: u8 = 1;
