//! The interpreter of scalar tapes.

use std::ops::Range;

use super::frame::Frame;
use crate::ops::{self, Fun};
use crate::plan::{Code, Instruction, Tape};
use crate::simd::{Level, level};

/// Runs a part of a tape over the registers of a frame, compiled like the block kernels of this machine, so
/// that a number has the same bits in a tape and in an array.
pub fn run(tape: &Tape, part: Range<usize>, frame: &Frame, exact: bool) {
    // SAFETY: the plan names only registers of the arena and addresses inside the frame; the level
    // was detected.
    unsafe {
        match level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(tape, part, frame, exact),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(tape, part, frame, exact),
            _ => interpret(tape, part, frame, exact),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
unsafe fn avx512(tape: &Tape, part: Range<usize>, frame: &Frame, exact: bool) {
    // SAFETY: the caller's contract.
    unsafe { interpret(tape, part, frame, exact) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(tape: &Tape, part: Range<usize>, frame: &Frame, exact: bool) {
    // SAFETY: the caller's contract.
    unsafe { interpret(tape, part, frame, exact) }
}

/// # Safety
/// Registers and addresses of the tape must lie inside the memory of the frame.
#[inline(always)]
unsafe fn interpret(tape: &Tape, part: Range<usize>, frame: &Frame, exact: bool) {
    let registers = frame.registers();
    for instruction in &tape.code[part] {
        let Instruction { code, out, a, b, c } = *instruction;
        // SAFETY: the caller's contract.
        unsafe {
            let read = |k: u32| registers.add(k as usize).read();
            let write = |value: u64| registers.add(out as usize).write(value);
            match code {
                Code::Fun(fun) => write(ops::scalar(fun, read(a), read(b), read(c))),
                Code::Guarded if exact => write(ops::scalar(Fun::Mul0, read(a), read(b), 0)),
                Code::Guarded => write(ops::scalar(Fun::Mul, read(a), read(b), 0)),
                Code::Load8 => write(frame.resolve(instruction.address()).cast::<u64>().read()),
                Code::Load4 => write(u64::from(
                    frame.resolve(instruction.address()).cast::<u32>().read(),
                )),
                Code::Load1 => write(u64::from(frame.resolve(instruction.address()).read())),
                Code::Store8 => frame
                    .resolve(instruction.address())
                    .cast::<u64>()
                    .write(read(out)),
                Code::Store4 => frame
                    .resolve(instruction.address())
                    .cast::<u32>()
                    .write(read(out) as u32),
                Code::Store1 => frame.resolve(instruction.address()).write(read(out) as u8),
                Code::Kernel => {
                    // The cells are copies: the result may take over the register of an operand.
                    let cells = [read(a), read(b)];
                    let operands = [
                        (&raw const cells[0]).cast::<u8>(),
                        (&raw const cells[1]).cast(),
                    ];
                    let mut result = 0u64;
                    tape.kernels[c as usize][usize::from(exact)](
                        &operands,
                        (&raw mut result).cast(),
                        1,
                    );
                    write(result);
                }
                Code::Zero => {
                    let (address, bytes) = tape.zeros[c as usize];
                    frame.resolve(address).write_bytes(0, bytes);
                }
            }
        }
    }
}
