//! From operations to machine code, whether on one number or on four at once.

use super::assembler::{self as x86, Assembler, Opcode, Pooled, Predicate, Source, Xmm};
use super::registers::{Home, Registers, SPARE, Uses};
use crate::ops::Fun;

/// How `vroundsd` rounds, without an exception for being inexact.
const NEAREST: u8 = 8;
const DOWN: u8 = 9;
const UP: u8 = 10;
const TOWARDS_ZERO: u8 = 11;

/// What becomes of an operation.
#[derive(Clone, Copy)]
pub enum Form {
    /// `out = x op z`.
    Binary(Opcode),
    Commutative(Opcode),
    /// `out = x op constant`.
    Bits(Opcode, Pooled),
    Square,
    Reciprocal,
    Sqrt,
    Round(u8),
    Compare(Predicate),
    IsNan,
    /// The first where the predicate holds or the first is NaN, else the second.
    Extremum(Predicate),
    Copysign,
    Select,
    /// A product that is zero where a factor is.
    Guarded,
}

impl Form {
    /// The form of an operation on float64 numbers that is made inline.
    pub fn of(fun: Fun) -> Option<Self> {
        Some(match fun {
            Fun::Add => Form::Commutative(x86::ADD),
            Fun::Mul => Form::Commutative(x86::MUL),
            Fun::Mul0 => Form::Guarded,
            Fun::Sub => Form::Binary(x86::SUB),
            Fun::Div => Form::Binary(x86::DIV),
            Fun::Neg => Form::Bits(x86::XOR, Pooled::Sign),
            Fun::Abs => Form::Bits(x86::AND, Pooled::Magnitude),
            Fun::Square => Form::Square,
            Fun::Reciprocal => Form::Reciprocal,
            Fun::Sqrt => Form::Sqrt,
            Fun::Rint => Form::Round(NEAREST),
            Fun::Floor => Form::Round(DOWN),
            Fun::Ceil => Form::Round(UP),
            Fun::Trunc => Form::Round(TOWARDS_ZERO),
            Fun::Less => Form::Compare(Predicate::Less),
            Fun::LessEqual => Form::Compare(Predicate::LessEqual),
            Fun::Greater => Form::Compare(Predicate::Greater),
            Fun::GreaterEqual => Form::Compare(Predicate::GreaterEqual),
            Fun::Equal => Form::Compare(Predicate::Equal),
            Fun::NotEqual => Form::Compare(Predicate::NotEqual),
            Fun::IsNan => Form::IsNan,
            Fun::Maximum => Form::Extremum(Predicate::GreaterEqual),
            Fun::Minimum => Form::Extremum(Predicate::LessEqual),
            Fun::Copysign => Form::Copysign,
            Fun::Where => Form::Select,
            _ => return None,
        })
    }
}

/// Code under way, and which vector registers hold what.
pub struct Lowering<'a, H> {
    pub asm: &'a mut Assembler,
    pub registers: Registers<H>,
}

impl<H: Home> Lowering<'_, H> {
    pub fn operation(&mut self, form: Form, uses: &Uses) {
        match form {
            Form::Binary(op) => {
                let x = self.read(uses, 0);
                let z = self.source(uses, 1);
                let out = self.write(uses);
                self.asm.binary(op, out, x, z);
            }
            Form::Commutative(op) => {
                let (first, second) = if self.registers.holds(uses.reads[0]) {
                    (0, 1)
                } else {
                    (1, 0)
                };
                let x = self.read(uses, first);
                let z = self.source(uses, second);
                let out = self.write(uses);
                self.asm.binary(op, out, x, z);
            }
            Form::Bits(op, pooled) => {
                let (x, out) = self.unary(uses);
                self.asm.binary(op, out, x, Source::Pool(pooled));
            }
            Form::Square => {
                let (x, out) = self.unary(uses);
                self.asm.binary(x86::MUL, out, x, Source::Register(x));
            }
            Form::Reciprocal => {
                let one = SPARE[0];
                self.asm.load(one, Source::Pool(Pooled::One));
                let x = self.source(uses, 0);
                let out = self.write(uses);
                self.asm.binary(x86::DIV, out, one, x);
            }
            Form::Sqrt => {
                let (x, out) = self.unary(uses);
                self.asm.unary(x86::SQRT, out, x, None);
            }
            Form::Round(mode) => {
                let (x, out) = self.unary(uses);
                self.asm.unary(x86::ROUND, out, x, Some(mode));
            }
            Form::Compare(predicate) => {
                let x = self.read(uses, 0);
                let z = self.source(uses, 1);
                let out = self.write(uses);
                self.compare(out, x, z, predicate);
                self.truth(out);
            }
            Form::IsNan => {
                let (x, out) = self.unary(uses);
                self.compare(out, x, Source::Register(x), Predicate::Unordered);
                self.truth(out);
            }
            Form::Extremum(predicate) => self.extremum(predicate, uses),
            Form::Copysign => self.copysign(uses),
            Form::Select => self.select(uses),
            Form::Guarded => self.guarded(uses),
        }
    }

    pub fn read(&mut self, uses: &Uses, k: usize) -> Xmm {
        self.registers.read(self.asm, uses, k)
    }

    fn source(&mut self, uses: &Uses, k: usize) -> Source {
        self.registers.source(self.asm, uses, k)
    }

    /// The result takes over the place of an operand that is not read again: operands are gone once
    /// it is written.
    pub fn write(&mut self, uses: &Uses) -> Xmm {
        self.registers.release(uses);
        self.registers.write(self.asm, uses)
    }

    fn unary(&mut self, uses: &Uses) -> (Xmm, Xmm) {
        (self.read(uses, 0), self.write(uses))
    }

    fn compare(&mut self, out: Xmm, x: Xmm, z: Source, predicate: Predicate) {
        self.asm.with_byte(x86::COMPARE, out, x, z, predicate as u8);
    }

    /// A bool from a mask.
    fn truth(&mut self, out: Xmm) {
        self.asm
            .binary(x86::AND, out, out, Source::Pool(Pooled::True));
    }

    /// `z` where the mask is set, else `x`.
    fn blend(&mut self, out: Xmm, x: Xmm, z: Xmm, mask: Xmm) {
        let z = Source::Register(z);
        self.asm.with_byte(x86::BLEND, out, x, z, mask.0 << 4);
    }

    fn extremum(&mut self, predicate: Predicate, uses: &Uses) {
        let (x, z) = (self.read(uses, 0), self.read(uses, 1));
        let [holds, nan] = SPARE;
        self.compare(holds, x, Source::Register(z), predicate);
        self.compare(nan, x, Source::Register(x), Predicate::Unordered);
        let either = Source::Register(nan);
        self.asm.binary(x86::OR, holds, holds, either);
        let out = self.write(uses);
        self.blend(out, z, x, holds);
    }

    fn copysign(&mut self, uses: &Uses) {
        let (x, z) = (self.read(uses, 0), self.read(uses, 1));
        let [magnitude, sign] = SPARE;
        let pool = Source::Pool;
        self.asm
            .binary(x86::AND, magnitude, x, pool(Pooled::Magnitude));
        self.asm.binary(x86::AND, sign, z, pool(Pooled::Sign));
        let out = self.write(uses);
        let sign = Source::Register(sign);
        self.asm.binary(x86::OR, out, magnitude, sign);
    }

    fn select(&mut self, uses: &Uses) {
        let [c, x, z] = [0, 1, 2].map(|k| self.read(uses, k));
        let mask = SPARE[0];
        self.asm
            .binary(x86::XOR, mask, mask, Source::Register(mask));
        let zero = Source::Register(mask);
        self.asm.binary(x86::EQUAL_BITS, mask, c, zero);
        let out = self.write(uses);
        self.blend(out, x, z, mask);
    }

    /// The plain product where neither factor is zero, else a zero with its sign.
    fn guarded(&mut self, uses: &Uses) {
        let (x, z) = (self.read(uses, 0), self.read(uses, 1));
        let [first, second] = SPARE;
        let zero = Source::Register(second);
        self.asm.binary(x86::XOR, second, second, zero);
        self.compare(first, x, zero, Predicate::NotEqual);
        self.compare(second, z, zero, Predicate::NotEqual);
        let both = Source::Register(second);
        self.asm.binary(x86::AND, first, first, both);
        self.asm.binary(x86::XOR, second, x, Source::Register(z));
        let sign = Source::Pool(Pooled::Sign);
        self.asm.binary(x86::AND, second, second, sign);
        let out = self.write(uses);
        self.asm.binary(x86::MUL, out, x, Source::Register(z));
        self.blend(out, second, out, first);
    }
}
