//! Memory for the kernels: aligned to a cache line, or not filled before it is written.

use std::mem::MaybeUninit;

/// A cache line, and a whole vector of the widest instruction set.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// `f32` values that start on a cache line.
pub(super) struct Aligned {
    lines: Vec<MaybeUninit<Line>>,
    len: usize,
}

impl Aligned {
    /// `len` zeros.
    pub(super) fn zeroed(len: usize) -> Self {
        Self { lines: vec![MaybeUninit::new(Line([0.0; 16])); len.div_ceil(16)], len }
    }

    /// Room for `len` values that hold nothing yet.
    ///
    /// # Safety
    ///
    /// Every value must be written before it is read.
    pub(super) unsafe fn unfilled(len: usize) -> Self {
        let count = len.div_ceil(16);
        let mut lines = Vec::with_capacity(count);
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

    /// The values of a buffer made by [`Aligned::zeroed`].
    pub(super) fn as_slice(&self) -> &[f32] {
        // SAFETY: as for `as_mut_slice`.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.len) }
    }

    /// The values of a buffer made by [`Aligned::zeroed`].
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

/// A vector of `len` values that `fill` writes through the pointer it is given.
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
/// multiple of 4096 bytes apart, as sequences of 16 weeks of 64 values are, would push each other out of the cache.
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
        unsafe { std::ptr::copy_nonoverlapping(from.add(row * from_stride), to.add(row * to_stride), width) }
    }
}

/// A pointer that the tasks of one call share; each writes only its own sequences' part.
#[derive(Clone, Copy)]
pub(super) struct Shared(*mut f32);

// SAFETY: the tasks' parts are disjoint (see the uses), and the call outlives its tasks.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(super) fn new(pointer: *mut f32) -> Self {
        Self(pointer)
    }

    /// A method, so that closures capture the whole `Shared` and not its field.
    pub(super) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}
