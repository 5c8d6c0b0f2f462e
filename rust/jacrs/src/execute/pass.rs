//! One pass over the steps of a plan.

use crate::plan::Plan;
#[cfg(target_arch = "x86_64")]
use crate::plan::native::Native;

/// How steps are run: plainly or with guarded products, and with which machine code.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub exact: bool,
    #[cfg(target_arch = "x86_64")]
    pub native: Option<&'a Native>,
    #[cfg(not(target_arch = "x86_64"))]
    pub native: std::marker::PhantomData<&'a ()>,
}

impl<'a> Pass<'a> {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub fn over(plan: &'a Plan, exact: bool) -> Self {
        Self {
            exact,
            #[cfg(target_arch = "x86_64")]
            native: plan.native(exact),
            #[cfg(not(target_arch = "x86_64"))]
            native: std::marker::PhantomData,
        }
    }
}
