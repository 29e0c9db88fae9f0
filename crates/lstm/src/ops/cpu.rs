//! Flex and NdArray: the native kernels on the tensors' own memory, for 32-bit floats.
//!
//! Other float types go through the tensor operations of [`super::fallback`].

#[cfg(any(feature = "flex", feature = "ndarray"))]
mod on_slices {
    use std::borrow::Cow;
    use std::sync::Arc;

    use burn::backend::tensor::FloatTensor;
    use burn::backend::{Backend, TensorData, TensorMetadata};

    use crate::native::{self, Given, Sizes, Start, Work};
    use crate::ops::{InputGradients, LayerInputs, LstmKernels, ReturnKind, TapeUse, WantedGradients, fallback};

    /// Marks a backend whose tensors lie in this process's memory.
    pub(super) trait HostFloats: Backend {
        /// Returns the values of a tensor of 32-bit floats in row-major order, copied only where they lie otherwise; `None`
        /// for other floats.
        fn floats(tensor: &FloatTensor<Self>) -> Option<Cow<'_, [f32]>>;
    }

    /// Holds what either path needs for its backward pass.
    #[derive(Debug, Clone)]
    pub(crate) enum Tape<B: Backend> {
        Native(Arc<native::Tape>),
        Tensors(fallback::Tape<B>),
    }

    /// Borrows the inputs' values.
    struct Values<'a> {
        x: Cow<'a, [f32]>,
        w_ih: Cow<'a, [f32]>,
        w_hh: Cow<'a, [f32]>,
        bias: Cow<'a, [f32]>,
        start: Option<[Cow<'a, [f32]>; 2]>,
    }

    impl<'a> Values<'a> {
        /// Returns the values, where all are 32-bit floats.
        fn from_inputs<B: HostFloats>(inputs: &'a LayerInputs<B>) -> Option<Self> {
            let start = match &inputs.start {
                Some((hidden, cell)) => Some([B::floats(hidden)?, B::floats(cell)?]),
                None => None,
            };
            Some(Self {
                x: B::floats(&inputs.x)?,
                w_ih: B::floats(&inputs.w_ih)?,
                w_hh: B::floats(&inputs.w_hh)?,
                bias: B::floats(&inputs.bias)?,
                start,
            })
        }

        fn weights(&self) -> native::Weights<'_> {
            native::Weights { w_ih: &self.w_ih, w_hh: &self.w_hh, bias: &self.bias }
        }

        fn start(&self) -> Option<Start<'_>> {
            self.start.as_ref().map(|[hidden, cell]| Start { hidden, cell })
        }
    }

    fn sizes<B: Backend>(inputs: &LayerInputs<B>) -> Sizes {
        let x = inputs.x.shape();
        Sizes { batch: x[0], steps: x[1], features: x[2], hidden: inputs.w_hh.shape()[0] }
    }

    fn tensor<B: Backend, const D: usize>(
        values: Vec<f32>,
        shape: [usize; D],
        like: &FloatTensor<B>,
    ) -> FloatTensor<B> {
        B::float_from_data(TensorData::new(values, shape), &like.device())
    }

    pub(super) fn forward<B: HostFloats>(
        inputs: &LayerInputs<B>,
        give: ReturnKind,
        keep: TapeUse,
    ) -> (FloatTensor<B>, Option<Tape<B>>) {
        let Some(values) = Values::from_inputs(inputs) else {
            let (output, tape) = fallback::forward(inputs, give, keep);
            return (output, tape.map(Tape::Tensors));
        };
        let sizes = sizes(inputs);
        let forward = native::forward(sizes, &values.x, values.weights(), values.start(), &inputs.walk, keep);
        let Sizes { batch, steps, hidden, .. } = sizes;
        let mut packed = forward.packed;
        let output = match give {
            ReturnKind::Outputs => {
                packed.truncate(batch * steps * hidden);
                tensor::<B, 3>(packed, [batch, steps, hidden], &inputs.x)
            }
            ReturnKind::OutputsAndState => {
                let len = packed.len();
                tensor::<B, 1>(packed, [len], &inputs.x)
            }
        };
        (output, forward.tape.map(|tape| Tape::Native(Arc::new(tape))))
    }

    pub(super) fn backward<B: HostFloats>(
        inputs: &LayerInputs<B>,
        give: ReturnKind,
        output: FloatTensor<B>,
        tape: &Tape<B>,
        gradient: FloatTensor<B>,
        wanted: WantedGradients,
    ) -> InputGradients<B> {
        let tape = match tape {
            Tape::Tensors(tape) => {
                return fallback::backward(inputs, give, output, tape, gradient, wanted);
            }
            Tape::Native(tape) => tape,
        };
        let sizes = sizes(inputs);
        let Sizes { batch, steps, features, hidden } = sizes;
        let read = (Values::from_inputs(inputs), B::floats(&output), B::floats(&gradient));
        let (Some(values), Some(output), Some(gradient)) = read else {
            panic!("a gradient has the type of its output: 32-bit floats, where the tape is native");
        };
        let count = batch * steps * hidden;
        let given = Given {
            x: &values.x,
            weights: values.weights(),
            start: values.start(),
            outputs: &output[..count],
            d_outputs: &gradient[..count],
            d_state: match give {
                ReturnKind::Outputs => None,
                ReturnKind::OutputsAndState => {
                    let (d_hidden, d_cell) = gradient[count..].split_at(batch * hidden);
                    Some([d_hidden, d_cell])
                }
            },
            walk: &inputs.walk,
        };
        // Autodiff holds its graph's lock here. A rayon worker that waits takes up other tasks, and one that trains on
        // a graph joined to this one would wait for that lock, in the same thread, for ever.
        let alone = rayon::current_thread_index().is_none() || crate::pool::is_own();
        let work = if alone { Work::Pool } else { Work::Caller };
        let found = native::backward(sizes, given, tape, wanted, work);
        let like = &inputs.x;
        InputGradients {
            x: found.x.map(|values| tensor::<B, 3>(values, [batch, steps, features], like)),
            w_ih: tensor::<B, 2>(found.w_ih, [features, 4 * hidden], like),
            w_hh: tensor::<B, 2>(found.w_hh, [hidden, 4 * hidden], like),
            bias: tensor::<B, 1>(found.bias, [4 * hidden], like),
            start: found.start.map(|(d_hidden, d_cell)| {
                let shape = [batch, hidden];
                (tensor::<B, 2>(d_hidden, shape, like), tensor::<B, 2>(d_cell, shape, like))
            }),
        }
    }

    macro_rules! kernels {
        ($backend:ty) => {
            impl LstmKernels for $backend {
                type Tape = Tape<Self>;

                fn forward(
                    inputs: &LayerInputs<Self>,
                    give: ReturnKind,
                    keep: TapeUse,
                ) -> (FloatTensor<Self>, Option<Self::Tape>) {
                    forward(inputs, give, keep)
                }

                fn backward(
                    inputs: &LayerInputs<Self>,
                    give: ReturnKind,
                    output: FloatTensor<Self>,
                    tape: &Self::Tape,
                    gradient: FloatTensor<Self>,
                    wanted: WantedGradients,
                ) -> InputGradients<Self> {
                    backward(inputs, give, output, tape, gradient, wanted)
                }
            }
        };
    }

    #[cfg(feature = "flex")]
    kernels!(burn::backend::Flex);
    #[cfg(feature = "ndarray")]
    kernels!(burn::backend::NdArray);
}

#[cfg(feature = "flex")]
impl on_slices::HostFloats for burn::backend::Flex {
    fn floats(tensor: &burn::backend::tensor::FloatTensor<Self>) -> Option<std::borrow::Cow<'_, [f32]>> {
        if burn::backend::TensorMetadata::dtype(tensor) != burn::backend::DType::F32 {
            return None;
        }
        match tensor.as_slice::<f32>() {
            Some(values) => Some(values.into()),
            None => tensor.to_contiguous().as_slice::<f32>().map(|values| values.to_vec().into()),
        }
    }
}

#[cfg(feature = "ndarray")]
impl on_slices::HostFloats for burn::backend::NdArray {
    fn floats(tensor: &burn::backend::tensor::FloatTensor<Self>) -> Option<std::borrow::Cow<'_, [f32]>> {
        let burn::backend::ndarray::NdArrayTensor::F32(storage) = tensor else { return None };
        let view = storage.view();
        Some(match view.to_slice() {
            Some(values) => values.into(),
            None => view.iter().copied().collect(),
        })
    }
}

/// Holds a tensor of 32-bit floats whose values lie in this process's memory.
#[cfg(any(feature = "flex", feature = "ndarray"))]
pub(crate) enum HostTensor {
    /// Of flex, in one piece.
    #[cfg(feature = "flex")]
    Flex(burn::backend::tensor::FloatTensor<burn::backend::Flex>),
    /// Of ndarray, in one piece.
    #[cfg(feature = "ndarray")]
    NdArray(burn::backend::tensor::FloatTensor<burn::backend::NdArray>),
    /// A copy of one that is not in one piece.
    Copied(Vec<f32>),
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
impl HostTensor {
    /// Takes the tensor of a CPU out of burn's, if it is one; its values are copied only where they are not in one piece.
    pub(crate) fn new<const D: usize>(tensor: burn::tensor::Tensor<D>) -> Option<Self> {
        use burn::backend::{BackendTensor, DispatchTensorKind};
        use on_slices::HostFloats;
        use std::borrow::Cow;

        let whole = match tensor.into_dispatch().kind {
            #[cfg(feature = "flex")]
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => match burn::backend::Flex::floats(&tensor)? {
                Cow::Borrowed(_) => Self::Flex(tensor.clone()),
                Cow::Owned(values) => Self::Copied(values),
            },
            #[cfg(feature = "ndarray")]
            DispatchTensorKind::NdArray(BackendTensor::Float(tensor)) => {
                match burn::backend::NdArray::floats(&tensor)? {
                    Cow::Borrowed(_) => Self::NdArray(tensor.clone()),
                    Cow::Owned(values) => Self::Copied(values),
                }
            }
            _ => return None,
        };
        Some(whole)
    }

    /// Returns the values in row-major order.
    pub(crate) fn values(&self) -> std::borrow::Cow<'_, [f32]> {
        use on_slices::HostFloats;
        let values = match self {
            #[cfg(feature = "flex")]
            Self::Flex(tensor) => burn::backend::Flex::floats(tensor),
            #[cfg(feature = "ndarray")]
            Self::NdArray(tensor) => burn::backend::NdArray::floats(tensor),
            Self::Copied(values) => Some(values.into()),
        };
        values.expect("32-bit floats, as when it was made")
    }
}
