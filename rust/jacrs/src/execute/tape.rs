//! Scalar tapes: as machine code where a plan has it, else interpreted.

use std::cell::Cell;

use super::frame::Frame;
use super::pass::Pass;
use crate::error::Result;
use crate::interrupt::{STRETCH, stretches};
use crate::ops::elementwise::Outlined;
use crate::ops::{self, Fun};
#[cfg(target_arch = "x86_64")]
use crate::plan::native::Host;
use crate::plan::{Code, Instruction, Tape};
#[cfg(target_arch = "x86_64")]
use crate::simd::math::Fused;
use crate::simd::math::Portable;
use crate::simd::{Level, level};

/// Runs the tapes of a plan in one pass over its steps.
pub struct Runner<'a> {
    frame: &'a Frame,
    pass: Pass<'a>,
    /// The number of the next tape among those of the plan.
    next: Cell<usize>,
}

impl<'a> Runner<'a> {
    pub fn of(pass: Pass<'a>, frame: &'a Frame) -> Self {
        Self {
            frame,
            pass,
            next: Cell::new(0),
        }
    }

    /// Runs the next tape of the plan; `between` is told of so many instructions that were run.
    pub fn run(&self, tape: &Tape, between: &dyn Fn(u64) -> Result<()>) -> Result<()> {
        let k = self.next.replace(self.next.get() + 1);
        #[cfg(target_arch = "x86_64")]
        if let Some(native) = self.pass.native.filter(|native| native.runs_tapes()) {
            let guest = Guest {
                host: Host { interpret: resume },
                tape,
                frame: self.frame,
                exact: self.pass.exact,
            };
            let (registers, bases) = (self.frame.registers(), self.frame.bases());
            // SAFETY: the memory of this run; the host is the first field of a guest.
            unsafe { native.run_tape(k, registers, bases, (&raw const guest).cast()) };
            return between(tape.code.len() as u64);
        }
        for part in stretches(tape.code.len(), STRETCH) {
            let done = part.len() as u64;
            run(tape, &tape.code[part], self.frame, self.pass.exact);
            between(done)?;
        }
        Ok(())
    }
}

/// What the interpreter needs when machine code calls it.
#[cfg(target_arch = "x86_64")]
#[repr(C)]
struct Guest<'a> {
    host: Host,
    tape: &'a Tape,
    frame: &'a Frame,
    exact: bool,
}

#[cfg(target_arch = "x86_64")]
unsafe extern "sysv64" fn resume(host: *const Host, first: u32, count: u32) {
    // SAFETY: `Runner::run` passed a guest, which is still there.
    let guest = unsafe { &*host.cast::<Guest>() };
    let (first, count) = (first as usize, count as usize);
    let code = &guest.tape.code[first..first + count];
    run(guest.tape, code, guest.frame, guest.exact);
}

/// Interprets instructions of a tape over the registers of a frame, compiled like the block kernels
/// of this machine, so that a number has the same bits in a tape and in an array.
fn run(tape: &Tape, code: &[Instruction], frame: &Frame, exact: bool) {
    // SAFETY: the plan names only registers of the arena and addresses inside the frame; the level
    // was detected.
    unsafe {
        match level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(tape, code, frame, exact),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(tape, code, frame, exact),
            _ => interpret::<Portable>(tape, code, frame, exact),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
unsafe fn avx512(tape: &Tape, code: &[Instruction], frame: &Frame, exact: bool) {
    // SAFETY: the caller's contract.
    unsafe { interpret::<Fused>(tape, code, frame, exact) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(tape: &Tape, code: &[Instruction], frame: &Frame, exact: bool) {
    // SAFETY: the caller's contract.
    unsafe { interpret::<Fused>(tape, code, frame, exact) }
}

/// # Safety
/// Registers and addresses of the tape must lie inside the memory of the frame; the processor must
/// have what the arithmetic needs.
#[inline(always)]
unsafe fn interpret<A: Outlined>(tape: &Tape, code: &[Instruction], frame: &Frame, exact: bool) {
    let registers = frame.registers();
    for instruction in code {
        let Instruction { code, out, a, b, c } = *instruction;
        // SAFETY: the caller's contract.
        unsafe {
            let read = |k: u32| registers.add(k as usize).read();
            let write = |value: u64| registers.add(out as usize).write(value);
            match code {
                Code::Fun(fun) => write(ops::scalar_in::<A>(fun, read(a), read(b), read(c))),
                Code::SinCos => {
                    let (sine, cosine) = A::sin_cos(f64::from_bits(read(a)));
                    write(sine.to_bits());
                    registers.add(b as usize).write(cosine.to_bits());
                }
                Code::Guarded if exact => {
                    write(ops::scalar_in::<A>(Fun::Mul0, read(a), read(b), 0));
                }
                Code::Guarded => write(ops::scalar_in::<A>(Fun::Mul, read(a), read(b), 0)),
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
