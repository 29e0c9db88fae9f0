//! Every instruction set against plain `f64` loops, and what holds of the kernels by themselves.

use super::backward::{Given, Gradients, Work, backward};
use super::forward::{Forward, forward_on};
use super::simd::{Isa, Simd, on_isa};
use super::{Sizes, Start, Weights, tile};
use crate::ops::{TapeUse, WantedGradients};
use crate::plain::{Case, Numbers, assert_close, narrow};
use crate::walk::Walk;

const TOLERANCE: f64 = 1e-5;

fn walk(case: &Case) -> Walk {
    let lengths = case.lengths.iter().any(|&length| length < case.steps).then(|| case.lengths.clone().into());
    if case.reverse { Walk::reverse(lengths) } else { Walk::forward(lengths) }
}

/// Holds a case's numbers as the kernels take them.
struct Floats {
    sizes: Sizes,
    x: Vec<f32>,
    w_ih: Vec<f32>,
    w_hh: Vec<f32>,
    bias: Vec<f32>,
    h0: Vec<f32>,
    c0: Vec<f32>,
    d_outputs: Vec<f32>,
    d_hidden: Vec<f32>,
    d_cell: Vec<f32>,
    walk: Walk,
}

impl Floats {
    fn of(case: &Case) -> Self {
        let &Case { batch, steps, features, hidden, .. } = case;
        Self {
            sizes: Sizes { batch, steps, features, hidden },
            x: narrow(&case.x),
            w_ih: narrow(&case.w_ih),
            w_hh: narrow(&case.w_hh),
            bias: narrow(&case.bias),
            h0: narrow(&case.h0),
            c0: narrow(&case.c0),
            d_outputs: narrow(&case.d_outputs),
            d_hidden: narrow(&case.d_hidden),
            d_cell: narrow(&case.d_cell),
            walk: walk(case),
        }
    }

    fn weights(&self) -> Weights<'_> {
        Weights { w_ih: &self.w_ih, w_hh: &self.w_hh, bias: &self.bias }
    }

    fn start(&self) -> Start<'_> {
        Start { hidden: &self.h0, cell: &self.c0 }
    }

    fn forward(&self, isa: Isa, start: Option<Start<'_>>, keep: TapeUse) -> Forward {
        forward_on(isa, self.sizes, &self.x, self.weights(), start, &self.walk, keep)
    }

    fn backward(&self, run: &Forward, start: Option<Start<'_>>, work: Work) -> Gradients {
        let given = Given {
            x: &self.x,
            weights: self.weights(),
            start,
            outputs: &run.packed[..self.d_outputs.len()],
            d_outputs: &self.d_outputs,
            d_state: Some([&self.d_hidden, &self.d_cell]),
            walk: &self.walk,
        };
        backward(self.sizes, given, run.tape.as_ref().expect("a tape was kept"), ALL, work)
    }
}

const ALL: WantedGradients = WantedGradients { x: true, start: true };

fn check(isa: Isa, case: &Case) {
    let answer = case.solve();
    let floats = Floats::of(case);
    let run = floats.forward(isa, Some(floats.start()), TapeUse::Keep);
    let found = floats.backward(&run, Some(floats.start()), Work::Pool);
    let (outputs, state) = run.packed.split_at(answer.outputs.len());
    let (hidden, cell) = state.split_at(answer.hidden.len());
    let (d_h0, d_c0) = found.start.expect("gradients of the start were wanted");
    let what = format!("{isa:?} {:?} {}", floats.sizes, if case.reverse { "reverse" } else { "forward" });
    let pairs = [
        ("outputs", outputs, &answer.outputs),
        ("hidden", hidden, &answer.hidden),
        ("cell", cell, &answer.cell),
        ("d_x", &found.x.expect("the gradient of x was wanted"), &answer.d_x),
        ("d_w_ih", &found.w_ih, &answer.d_w_ih),
        ("d_w_hh", &found.w_hh, &answer.d_w_hh),
        ("d_bias", &found.bias, &answer.d_bias),
        ("d_h0", &d_h0, &answer.d_h0),
        ("d_c0", &d_c0, &answer.d_c0),
    ];
    for (name, found, expected) in pairs {
        assert_close(&format!("{what} {name}"), found, expected, TOLERANCE);
    }
}

/// Lists sizes around every vector, tile and shard boundary: batch, steps, features, hidden.
const SHAPES: [[usize; 4]; 12] = [
    [1, 1, 1, 1],
    [1, 3, 2, 5],
    [2, 1, 3, 4],
    [3, 4, 5, 8],
    [5, 2, 7, 15],
    [7, 3, 16, 16],
    [31, 2, 3, 17],
    [32, 2, 17, 33],
    [33, 3, 24, 64],
    [37, 5, 9, 20],
    [65, 2, 60, 65],
    [600, 2, 2, 3],
];

#[test]
fn every_instruction_set_agrees_with_plain_loops() {
    for isa in Isa::available() {
        for (seed, shape) in SHAPES.into_iter().enumerate() {
            let case = Case::new(shape, seed as u64);
            check(isa, &case);
            check(isa, &case.clone().reversed());
            check(isa, &case.clone().with_lengths(seed as u64));
            check(isa, &case.with_lengths(seed as u64).reversed());
        }
        let mut numbers = Numbers(5);
        for seed in 100..130 {
            let shape = [numbers.whole(1, 70), numbers.whole(1, 9), numbers.whole(1, 40), numbers.whole(1, 70)];
            check(isa, &Case::new(shape, seed));
            check(isa, &Case::new(shape, seed).with_lengths(seed).reversed());
        }
    }
}

#[test]
fn no_start_is_a_start_of_zeros() {
    for isa in Isa::available() {
        let floats = Floats::of(&Case::new([37, 4, 5, 19], 3).started_from_zeros());
        let bare = floats.forward(isa, None, TapeUse::Keep);
        let zeros = floats.forward(isa, Some(floats.start()), TapeUse::Keep);
        assert_eq!(bare.packed, zeros.packed);
        let (bare, zeros) =
            (floats.backward(&bare, None, Work::Pool), floats.backward(&zeros, Some(floats.start()), Work::Pool));
        assert_eq!(bare.x, zeros.x);
        assert_eq!(bare.start, zeros.start);
        assert_eq!(bare.w_ih, zeros.w_ih);
        assert_eq!(bare.w_hh, zeros.w_hh);
    }
}

#[test]
fn results_are_the_same_bytes_for_any_number_of_threads() {
    let floats = Floats::of(&Case::new([700, 3, 9, 21], 8));
    let run = |threads: usize, work: Work| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let run = floats.forward(Isa::detect(), Some(floats.start()), TapeUse::Keep);
            let found = floats.backward(&run, Some(floats.start()), work);
            (run.packed, found.w_ih, found.w_hh, found.bias, found.x, found.start)
        })
    };
    let one = run(1, Work::Caller);
    for threads in [2, 3, 8] {
        assert!(run(threads, Work::Pool) == one, "{threads} threads give other bytes than one");
    }
}

#[test]
fn a_sequence_does_not_depend_on_its_batch() {
    for isa in Isa::available() {
        let all = Floats::of(&Case::new([45, 4, 6, 18], 2));
        let together = all.forward(isa, None, TapeUse::Discard).packed;
        for sequence in [0, 1, 31, 32, 44] {
            let x = &all.x[sequence * 4 * 6..][..4 * 6];
            let sizes = Sizes { batch: 1, ..all.sizes };
            let alone = forward_on(isa, sizes, x, all.weights(), None, &Walk::forward(None), TapeUse::Discard).packed;
            assert_eq!(alone[..4 * 18], together[sequence * 4 * 18..][..4 * 18]);
        }
    }
}

/// Checks that values past a sequence's end are never read and change nothing.
#[test]
fn padding_may_hold_anything() {
    for isa in Isa::available() {
        for reverse in [false, true] {
            let mut case = Case::new([37, 7, 5, 19], 6).with_lengths(6);
            case.reverse = reverse;
            let answer = case.solve();
            let mut floats = Floats::of(&case);
            for (row, &length) in case.lengths.iter().enumerate() {
                floats.x[row * 7 * 5..][length * 5..7 * 5].fill(f32::NAN);
                floats.d_outputs[row * 7 * 19..][length * 19..7 * 19].fill(f32::NAN);
            }
            let run = floats.forward(isa, Some(floats.start()), TapeUse::Keep);
            let found = floats.backward(&run, Some(floats.start()), Work::Pool);
            assert_close("outputs", &run.packed[..37 * 7 * 19], &answer.outputs, TOLERANCE);
            assert_close("d_w_ih", &found.w_ih, &answer.d_w_ih, TOLERANCE);
            assert_close("d_w_hh", &found.w_hh, &answer.d_w_hh, TOLERANCE);
            let d_x = found.x.expect("the gradient of x was wanted");
            for (row, &length) in case.lengths.iter().enumerate() {
                assert!(run.packed[row * 7 * 19..][length * 19..7 * 19].iter().all(|&value| value == 0.0));
                assert!(d_x[row * 7 * 5..][length * 5..7 * 5].iter().all(|&value| value == 0.0));
            }
        }
    }
}

#[test]
fn keeping_a_tape_changes_no_output() {
    let floats = Floats::of(&Case::new([33, 4, 6, 18], 2));
    let kept = floats.forward(Isa::detect(), None, TapeUse::Keep);
    let bare = floats.forward(Isa::detect(), None, TapeUse::Discard);
    assert!(bare.tape.is_none());
    assert_eq!(kept.packed, bare.packed);
}

#[test]
fn a_nan_is_not_hidden() {
    let mut floats = Floats::of(&Case::new([3, 2, 4, 5], 2));
    floats.x[0] = f32::NAN;
    for isa in Isa::available() {
        let packed = floats.forward(isa, None, TapeUse::Discard).packed;
        assert!(packed[..2 * 5].iter().all(|value| value.is_nan()), "{isa:?}: sequence 0 read the NaN");
        assert!(packed[2 * 5..3 * 2 * 5].iter().all(|value| value.is_finite()), "{isa:?}: the others did not");
    }
}

#[inline(always)]
unsafe fn tanh_of<S: Simd, const ROWS: usize>(values: &mut [f32]) {
    for chunk in values.chunks_exact_mut(S::LANES) {
        // SAFETY: a chunk is one vector.
        unsafe { S::store(chunk.as_mut_ptr(), tile::tanh::<S>(S::load(chunk.as_ptr()))) }
    }
}

#[inline(always)]
unsafe fn logistic_of<S: Simd, const ROWS: usize>(values: &mut [f32]) {
    for chunk in values.chunks_exact_mut(S::LANES) {
        // SAFETY: a chunk is one vector.
        unsafe { S::store(chunk.as_mut_ptr(), tile::logistic::<S>(S::load(chunk.as_ptr()))) }
    }
}

/// Returns arguments dense where the functions bend, out to where they are flat, and very small ones.
fn arguments() -> Vec<f32> {
    let dense = (-1_600_000..1_600_000).map(|step| step as f32 * 1e-5);
    let small = (0..1024).map(|step| 0.8f32.powi(step % 400) * if step % 2 == 0 { 1.0 } else { -1.0 });
    let far = [30.0, -30.0, 88.0, -88.0, 1e4, -1e4, 3e38, -3e38].into_iter().cycle().take(64);
    dense.chain(small).chain(far).collect()
}

#[test]
fn tanh_is_within_its_bound() {
    for isa in Isa::available() {
        let arguments = arguments();
        let mut values = arguments.clone();
        on_isa!(isa, tanh_of, &mut values, &mut [f32]);
        for (argument, value) in arguments.iter().zip(&values) {
            let exact = f64::from(*argument).tanh();
            let error = (f64::from(*value) - exact).abs();
            assert!(error <= 5e-7 * exact.abs(), "{isa:?}: tanh({argument}) = {value}, not {exact}");
            assert!(value.abs() <= 1.0, "{isa:?}: tanh({argument}) = {value}");
        }
    }
}

#[test]
fn the_logistic_function_is_within_its_bound() {
    for isa in Isa::available() {
        let arguments = arguments();
        let mut values = arguments.clone();
        on_isa!(isa, logistic_of, &mut values, &mut [f32]);
        for (argument, value) in arguments.iter().zip(&values) {
            let exact = 1.0 / (1.0 + (-f64::from(*argument)).exp());
            let error = (f64::from(*value) - exact).abs();
            assert!(error <= 5e-7 && (0.0..=1.0).contains(value), "{isa:?}: σ({argument}) = {value}, not {exact}");
        }
    }
}

#[test]
#[should_panic(expected = "x must hold [batch, steps, features]")]
fn a_short_slice_is_refused() {
    let mut floats = Floats::of(&Case::new([3, 2, 4, 5], 2));
    floats.x.pop();
    floats.forward(Isa::detect(), None, TapeUse::Discard);
}
