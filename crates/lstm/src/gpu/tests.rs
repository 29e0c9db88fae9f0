//! Every way of cutting a pass, whatever the device would choose, against plain `f64` loops.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{TensorData, read_sync};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::tiling::{CUTS, Tiling};
use super::{backward, forward};
use crate::ops::{LayerInputs, ReturnKind, TapeUse, WantedGradients};
use crate::plain::{Answer, Case, assert_close, narrow};
use crate::walk::{Direction, Walk};

fn tensor<const D: usize>(values: &[f64], shape: [usize; D]) -> CubeTensor {
    let device = cubecl::Device::default();
    CubeBackend::float_from_data(TensorData::new(narrow(values), shape), &device)
}

fn values(tensor: CubeTensor) -> Vec<f32> {
    read_sync(CubeBackend::float_into_data(tensor)).unwrap().try_to_vec().unwrap()
}

fn inputs(case: &Case, started: bool) -> LayerInputs<CubeBackend> {
    let &Case { batch, steps, features, hidden, .. } = case;
    LayerInputs {
        x: tensor(&case.x, [batch, steps, features]),
        w_ih: tensor(&case.w_ih, [features, 4 * hidden]),
        w_hh: tensor(&case.w_hh, [hidden, 4 * hidden]),
        bias: tensor(&case.bias, [4 * hidden]),
        start: started.then(|| (tensor(&case.h0, [batch, hidden]), tensor(&case.c0, [batch, hidden]))),
        walk: Walk {
            direction: if case.reverse { Direction::Reverse } else { Direction::Forward },
            lengths: case.lengths.iter().any(|&length| length < steps).then(|| case.lengths.as_slice().into()),
        },
    }
}

fn check(case: &Case, started: bool, tiling: Tiling) {
    let case = if started { case.clone() } else { case.clone().started_from_zeros() };
    let answer: Answer = case.solve();
    let inputs = inputs(&case, started);
    let (packed, kept) = forward(&inputs, ReturnKind::OutputsAndState, TapeUse::Keep, tiling);
    let packed_gradient: Vec<f64> =
        [&case.d_outputs, &case.d_hidden, &case.d_cell].into_iter().flatten().copied().collect();
    let gradient = tensor(&packed_gradient, [packed_gradient.len()]);
    let wanted = WantedGradients { x: true, start: started };
    let kept = kept.expect("a tape was asked for");
    let found = backward(&inputs, ReturnKind::OutputsAndState, &kept, gradient, wanted, tiling);

    let what = format!("{tiling:?}, started: {started}, {:?}", inputs.walk);
    let close = |name: &str, found: &[f32], expected: &[f64]| {
        assert_close(&format!("{what}: {name}"), found, expected, 1e-5);
    };
    let packed = values(packed);
    let (outputs, state) = packed.split_at(answer.outputs.len());
    let (hidden, cell) = state.split_at(answer.hidden.len());
    close("outputs", outputs, &answer.outputs);
    close("last output", hidden, &answer.hidden);
    close("last cell", cell, &answer.cell);
    close("d_x", &values(found.x.unwrap()), &answer.d_x);
    close("d_w_ih", &values(found.w_ih), &answer.d_w_ih);
    close("d_w_hh", &values(found.w_hh), &answer.d_w_hh);
    close("d_bias", &values(found.bias), &answer.d_bias);
    if let Some((d_h0, d_c0)) = found.start {
        close("d_h0", &values(d_h0), &answer.d_h0);
        close("d_c0", &values(d_c0), &answer.d_c0);
    }
}

/// Makes a batch that leaves the last cube one sequence.
fn case(tiling: Tiling, steps: usize) -> Case {
    Case::new([tiling.sequences() + 1, steps, 3, tiling.hidden], (10 * tiling.sequences() + tiling.slice) as u64)
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn every_cut_gives_what_plain_loops_give() {
    // All weights in shared memory; slices that end with the layer, and slices that end within it.
    for (number, (rows, groups)) in CUTS.into_iter().enumerate() {
        let (hidden, slice) = [(7, 7), (8, 4), (7, 3)][number % 3];
        let tiling = Tiling { hidden, rows, groups, slice };
        check(&case(tiling, 3), number % 2 == 0, tiling);
    }
    let longest_slice = Tiling { hidden: 19, rows: 8, groups: 4, slice: 16 };
    check(&case(longest_slice, 3), true, longest_slice);
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn either_way_and_to_every_length() {
    for (slice, started) in [(6, true), (4, false), (4, true)] {
        let tiling = Tiling { hidden: 6, rows: 4, groups: 2, slice };
        check(&case(tiling, 4).with_lengths(5), started, tiling);
        check(&case(tiling, 4).reversed(), started, tiling);
        check(&case(tiling, 4).with_lengths(6).reversed(), started, tiling);
    }
}
