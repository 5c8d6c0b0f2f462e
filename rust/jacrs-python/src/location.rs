//! Source locations of recorded nodes: a number for each (code object, instruction), decoded to a
//! line only when an error is raised.

use std::ffi::{c_int, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::{ffi, intern};

/// Code objects and instruction offsets seen in one recording; 0 is no location.
#[derive(Default)]
pub struct Locations {
    ids: HashMap<(usize, c_int), u32>,
    /// The code objects are kept alive so that their addresses stay their own.
    places: Vec<(Py<PyAny>, c_int)>,
    last: (usize, c_int, u32),
}

/// Whether a source file is one of ours, by the address of its name, which the code objects of a
/// module share; kept alive so that its address stays its own.
static FILES: Mutex<Option<Files>> = Mutex::new(None);
type Files = HashMap<usize, (Py<PyAny>, bool)>;

/// Files that are remembered before all are forgotten.
const MOST_FILES: usize = 4096;

impl Locations {
    /// The number of the place in the user's code that is running now.
    pub fn here(&mut self, py: Python<'_>) -> u32 {
        let Some((code, lasti)) = innermost(py) else {
            return 0;
        };
        let key = (code.as_ptr() as usize, lasti);
        if (key.0, key.1) == (self.last.0, self.last.1) {
            return self.last.2;
        }
        let id = self.find(py, &code, key).unwrap_or(0);
        self.last = (key.0, key.1, id);
        id
    }

    fn find(
        &mut self,
        py: Python<'_>,
        code: &Bound<'_, PyAny>,
        key: (usize, c_int),
    ) -> Option<u32> {
        if let Some(&id) = self.ids.get(&key) {
            return Some(id);
        }
        let (code, lasti) = if is_own_code(code) {
            // Our own Python code runs on behalf of a caller, whose line this is.
            let outer = error_place(py)?;
            let key = (outer.0.as_ptr() as usize, outer.1);
            if let Some(&id) = self.ids.get(&key) {
                return Some(id);
            }
            outer
        } else {
            (code.clone(), key.1)
        };
        let key = (code.as_ptr() as usize, lasti);
        self.places.push((code.unbind(), lasti));
        let id = self.places.len() as u32;
        self.ids.insert(key, id);
        Some(id)
    }

    /// The code object and instruction of a number.
    pub fn place(&self, py: Python<'_>, id: u32) -> Option<(Py<PyAny>, c_int)> {
        let (code, lasti) = self.places.get((id as usize).checked_sub(1)?)?;
        Some((code.clone_ref(py), *lasti))
    }
}

/// Whether a code object is ours, or of a library that runs on behalf of a caller as we do.
fn is_own_code(code: &Bound<'_, PyAny>) -> bool {
    let py = code.py();
    let Ok(name) = code.getattr(intern!(py, "co_filename")) else {
        return false;
    };
    let key = name.as_ptr() as usize;
    let known = (files().as_ref()).and_then(|files| files.get(&key).map(|file| file.1));
    if let Some(known) = known {
        return known;
    }
    let answer = name
        .extract::<String>()
        .is_ok_and(|file| is_own_file(&file));
    let mut files = files();
    let full = files.take_if(|files| files.len() >= MOST_FILES);
    (files.get_or_insert_default()).insert(key, (name.unbind(), answer));
    drop((files, full));
    answer
}

fn files() -> std::sync::MutexGuard<'static, Option<Files>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_own_file(file: &str) -> bool {
    let library = file
        .rsplit_once("site-packages")
        .map_or("", |(_, rest)| rest);
    is_package_file(file)
        || ["numpy", "scipy"]
            .iter()
            .any(|name| library.get(1..).is_some_and(|l| l.starts_with(name)))
}

/// The place in the innermost Python frame that is not ours.
pub fn error_place(py: Python<'_>) -> Option<(Bound<'_, PyAny>, c_int)> {
    let mut frame = current_frame(py)?;
    loop {
        let code = frame.getattr(intern!(py, "f_code")).ok()?;
        if !is_own_code(&code) {
            return Some((code, lasti(&frame)));
        }
        let back = frame.getattr(intern!(py, "f_back")).ok();
        frame = back.filter(|f| !f.is_none())?;
    }
}

/// Whether the recorded function runs inside a block that a handler waits for (`try` or `with`), in
/// itself or in one of its callers up to the transform that records it.
pub fn is_inside_try(py: Python<'_>) -> bool {
    let mut frame = current_frame(py);
    let mut entered = false;
    while let Some(current) = frame {
        let Ok(code) = current.getattr("f_code") else {
            return false;
        };
        if !is_own_code(&code) {
            entered = true;
            if is_handled(&code, lasti(&current)) {
                return true;
            }
        } else if entered && is_in_package(&code) {
            return false;
        }
        frame = current.getattr("f_back").ok().filter(|f| !f.is_none());
    }
    false
}

/// Whether an instruction lies in a range of the table of exception handlers: numbers of six bits
/// a byte, four an entry, which starts with the highest bit set (the interpreter's notes, "Description
/// of exception handling").
fn is_handled(code: &Bound<'_, PyAny>, lasti: c_int) -> bool {
    let table = code
        .getattr("co_exceptiontable")
        .and_then(|table| table.extract::<Vec<u8>>());
    let Ok(table) = table else { return true };
    let at = lasti / 2;
    let mut bytes = table.into_iter();
    let mut number = || -> Option<c_int> {
        let mut byte = bytes.next()?;
        let mut value = c_int::from(byte & 63);
        while byte & 64 != 0 {
            byte = bytes.next()?;
            value = value << 6 | c_int::from(byte & 63);
        }
        Some(value)
    };
    while let (Some(start), Some(length), Some(_), Some(_)) =
        (number(), number(), number(), number())
    {
        if (start..start + length).contains(&at) {
            return true;
        }
    }
    false
}

fn is_in_package(code: &Bound<'_, PyAny>) -> bool {
    let file = code
        .getattr("co_filename")
        .and_then(|f| f.extract::<String>());
    file.is_ok_and(|file| is_package_file(&file))
}

fn is_package_file(file: &str) -> bool {
    crate::registry::package_folder().is_some_and(|package| file.starts_with(package))
}

fn current_frame(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: attached to the interpreter; the result is borrowed, or null outside Python code.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        Bound::from_borrowed_ptr_or_opt(py, frame.cast())
    }
}

/// Where the innermost Python frame is.
pub fn innermost(py: Python<'_>) -> Option<(Bound<'_, PyAny>, c_int)> {
    let frame = current_frame(py)?;
    // SAFETY: a live frame object; the result is a new reference.
    let code = unsafe {
        let code = ffi::PyFrame_GetCode(frame.as_ptr().cast());
        Bound::from_owned_ptr_or_opt(py, code.cast())?
    };
    let at = lasti(&frame);
    Some((code, at))
}

type GetLasti = unsafe extern "C" fn(*mut c_void) -> c_int;

/// `PyFrame_GetLasti` is public but not in the limited API, so it is looked up in the running
/// interpreter; where it cannot be, the frame's attribute says the same, more slowly.
fn get_lasti() -> Option<GetLasti> {
    static FOUND: OnceLock<Option<GetLasti>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        #[cfg(unix)]
        // SAFETY: a name lookup; the function has had this signature since it exists (3.11).
        unsafe {
            let found = libc::dlsym(libc::RTLD_DEFAULT, c"PyFrame_GetLasti".as_ptr());
            (!found.is_null()).then(|| std::mem::transmute::<*mut c_void, GetLasti>(found))
        }
        #[cfg(not(unix))]
        None
    })
}

fn lasti(frame: &Bound<'_, PyAny>) -> c_int {
    match get_lasti() {
        // SAFETY: a live frame object of this interpreter.
        Some(get) => unsafe { get(frame.as_ptr().cast()) },
        None => frame
            .getattr("f_lasti")
            .and_then(|i| i.extract())
            .unwrap_or(-1),
    }
}
