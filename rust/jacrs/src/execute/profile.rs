//! Where the time of a run goes, step by step.

use std::time::{Duration, Instant};

use super::{Frame, Pass, Run, Staged, Watch, tape, uninterrupted};
use crate::array::{Array, Out, View};
use crate::error::Result;
use crate::plan::{Group, KernelStep, Plan, Step, StripStep};

impl Plan {
    /// The fastest of some plain runs of each step, with what the step does; last come the outputs
    /// that are copied.
    pub fn profile(&self, inputs: &[Array], runs: usize) -> Result<Vec<(String, Duration)>> {
        let views: Vec<View> = inputs.iter().map(|x| x.view().clone()).collect();
        let (_results, outs): (Vec<Array>, Vec<Out>) = self
            .outputs()
            .iter()
            .map(|t| Array::uninit(t.dtype, &t.shape))
            .unzip();
        self.run(&views, &outs, &uninterrupted)?;
        let staged = Staged::new(&views, &outs)?;
        let arena = self.arena();
        let bases = staged.inputs.iter().map(|p| p.cast_mut());
        let frame = Frame::new(arena.ptr(), bases.chain(staged.outputs.iter().copied()));
        let run = Run {
            plan: self,
            frame: &frame,
            watch: Watch::new(&uninterrupted),
        };
        let mut fastest = vec![Duration::MAX; self.steps().len() + 1];
        for _ in 0..runs {
            let pass = Pass::over(self, self.is_exact());
            let tapes = tape::Runner::of(pass, &frame);
            for (step, best) in self.steps().iter().zip(&mut fastest) {
                let start = Instant::now();
                run.step(step, &tapes, pass)?;
                *best = start.elapsed().min(*best);
            }
            let start = Instant::now();
            run.copies();
            fastest[self.steps().len()] = start.elapsed().min(fastest[self.steps().len()]);
        }
        let names = self.steps().iter().map(describe);
        let copies = format!("{} copies", self.copies().len());
        Ok(names.chain([copies]).zip(fastest).collect())
    }
}

fn describe(step: &Step) -> String {
    match step {
        Step::Tape(tape) => format!("tape of {}", tape.code.len()),
        Step::Group(group) => describe_group(group),
        Step::Kernel(kernel) => describe_kernel(kernel),
        Step::Strips(strips) => {
            let steps = strips.steps.iter().map(|step| match step {
                StripStep::Group(group) => describe_group(group),
                StripStep::Kernel(kernel) | StripStep::Total(kernel, _) => describe_kernel(kernel),
            });
            let steps: Vec<String> = steps.collect();
            let (rows, count, bytes) = (strips.rows, 1 << strips.depth, strips.bytes);
            format!(
                "{rows} rows in {count} strips of {bytes} bytes: {}",
                steps.join("; ")
            )
        }
    }
}

fn describe_group(group: &Group) -> String {
    let names = (group.code.iter()).map(|i| i.code.to_string());
    format!(
        "group of {} by {}, {} streams, {} fills, {} strided, {} odd: {}",
        group.len,
        group.blocks.longest(),
        group.streams.len(),
        group.fills.len(),
        group.readers.len(),
        group.odd.len(),
        names.collect::<Vec<_>>().join(" ")
    )
}

fn describe_kernel(kernel: &KernelStep) -> String {
    let operands: Vec<String> = (kernel.operands.iter())
        .map(|x| {
            format!(
                "{:?}:{:?}",
                x.layout.shape.as_slice(),
                x.layout.strides.as_slice()
            )
        })
        .collect();
    let call = &kernel.calls[0];
    format!(
        "{} {:?} of {}{}",
        crate::ops::operation(call.op).name(call.op),
        call.list.as_slice(),
        operands.join(" "),
        if kernel.copies_first { ", copied" } else { "" }
    )
}
