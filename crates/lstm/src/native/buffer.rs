//! Memory for the kernels: aligned to a cache line, or not filled before it is written.

use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use super::simd::Simd;

/// Holds a cache line, and a whole vector of the widest instruction set.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Holds the lines of a buffer that hold anything or nothing.
type Lines = Vec<MaybeUninit<Line>>;

/// Counts the lines (64 KB) from which on a buffer is kept for the next call: the system would take back the pages of
/// most of them and clear new ones, which costs as much as some of the work they are for.
const WORTH_KEEPING: usize = 1 << 10;

/// Bounds the lines that are kept (256 MB).
const MOST_KEPT: usize = 1 << 22;

/// Holds the buffers that are free, the one that was freed last at the end.
static SPARE: Mutex<Vec<Lines>> = Mutex::new(Vec::new());

/// Finds room for `count` lines: a spare buffer that is not much too large, or a new one.
fn room(count: usize) -> Lines {
    if count >= WORTH_KEEPING {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |lines: &Lines| (count..=count + count / 4).contains(&lines.capacity());
        if let Some(at) = spare.iter().rposition(fits) {
            return spare.remove(at);
        }
    }
    Vec::with_capacity(count)
}

/// Keeps a buffer for [`room`], and lets those go that have been free for longest where there are too many.
fn keep(lines: Lines) {
    if lines.capacity() < WORTH_KEEPING || lines.capacity() > MOST_KEPT {
        return;
    }
    let mut gone = Vec::new();
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    spare.push(lines);
    let mut kept: usize = spare.iter().map(Vec::capacity).sum();
    while kept > MOST_KEPT {
        let oldest = spare.remove(0);
        kept -= oldest.capacity();
        gone.push(oldest);
    }
    // Memory goes back to the system without the lock.
    drop(spare);
    drop(gone);
}

/// Holds `f32` values that start on a cache line.
pub(super) struct Aligned {
    lines: Lines,
    len: usize,
}

impl Drop for Aligned {
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.lines));
    }
}

impl Aligned {
    /// Makes `len` zeros.
    pub(super) fn zeroed(len: usize) -> Self {
        let count = len.div_ceil(16);
        let mut lines = room(count);
        lines.clear();
        lines.resize(count, MaybeUninit::new(Line([0.0; 16])));
        Self { lines, len }
    }

    /// Makes room for `len` values that hold nothing yet.
    ///
    /// # Safety
    ///
    /// Every value must be written before it is read.
    pub(super) unsafe fn unfilled(len: usize) -> Self {
        let count = len.div_ceil(16);
        let mut lines = room(count);
        // SAFETY: the capacity is there, and a `MaybeUninit` needs no value.
        unsafe { lines.set_len(count) };
        Self { lines, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn as_ptr(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.lines.as_mut_ptr().cast()
    }

    /// Returns the values of a buffer made by [`Aligned::zeroed`].
    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: as for `as_mut_slice`.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) }
    }

    /// Returns the values of a buffer made by [`Aligned::zeroed`].
    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: `lines` covers `len` values, and every writer of a zeroed buffer leaves it filled.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr(), self.len) }
    }
}

impl std::fmt::Debug for Aligned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aligned").field("len", &self.len).finish()
    }
}

/// Makes a vector of `len` values that `fill` writes through the pointer it is given.
///
/// # Safety
///
/// `fill` must write every one of the `len` values.
pub(super) unsafe fn filled_by(len: usize, fill: impl FnOnce(*mut f32)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    fill(values.as_mut_ptr());
    // SAFETY: `len` values of the capacity were written, by the caller's promise.
    unsafe { values.set_len(len) };
    values
}

/// Copies `rows` rows of `width` values; rows lie a stride apart. Tiles read their operands from such copies: rows a
/// multiple of 4096 bytes apart, as sequences of 16 steps of 64 values are, would push each other out of the cache.
///
/// # Safety
///
/// Both sides must be good for all rows, and not overlap.
#[inline(always)]
pub(super) unsafe fn copy_rows(
    from: *const f32,
    from_stride: usize,
    to: *mut f32,
    to_stride: usize,
    rows: usize,
    width: usize,
) {
    for row in 0..rows {
        // SAFETY: the caller's promise.
        unsafe { copy_row(from.add(row * from_stride), to.add(row * to_stride), width) }
    }
}

/// Copies a short row, in pieces of a fixed size: a call of the library's copy takes longer than the copy.
#[inline(always)]
unsafe fn copy_row(from: *const f32, to: *mut f32, width: usize) {
    let mut done = 0;
    // SAFETY: the caller's promise; `done` never passes `width`.
    unsafe {
        while done + 16 <= width {
            std::ptr::copy_nonoverlapping(from.add(done), to.add(done), 16);
            done += 16;
        }
        while done + 4 <= width {
            std::ptr::copy_nonoverlapping(from.add(done), to.add(done), 4);
            done += 4;
        }
        while done < width {
            *to.add(done) = *from.add(done);
            done += 1;
        }
    }
}

/// Asks for rows that will be read soon: `rows` rows of `width` values, a stride apart.
#[inline(always)]
pub(super) unsafe fn prefetch_rows<S: Simd>(from: *const f32, stride: usize, rows: usize, width: usize) {
    for row in 0..rows {
        for at in (0..width).step_by(16) {
            // SAFETY: the instruction set exists; a prefetch may be of any address.
            unsafe { S::prefetch(from.wrapping_add(row * stride + at)) }
        }
    }
}

/// Holds a pointer that the tasks of one call share; each writes only its own sequences' part.
#[derive(Clone, Copy)]
pub(super) struct SharedPointer(*mut f32);

// SAFETY: the tasks' parts are disjoint (see the uses), and the call outlives its tasks.
unsafe impl Send for SharedPointer {}
// SAFETY: as above.
unsafe impl Sync for SharedPointer {}

impl SharedPointer {
    pub(super) fn new(pointer: *mut f32) -> Self {
        Self(pointer)
    }

    /// Returns the pointer at `offset`. A method, so that closures capture the whole `SharedPointer` and not its field.
    pub(super) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}
