//! The sizes of a network that is trained without a graph, and where its parameters lie.

/// Holds the sizes of a network.
///
/// Its parameters lie in a row, layer by layer `w_ih [reads, 4 * hidden]`, `w_hh [hidden, 4 * hidden]` and
/// `bias [4 * hidden]`, then task by task a weight a hidden unit and a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NetworkSizes {
    /// Inputs a step.
    pub features: usize,
    /// Units of each layer.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Logits a step.
    pub tasks: usize,
}

impl NetworkSizes {
    /// Counts the parameters.
    #[must_use]
    pub fn parameters(self) -> usize {
        self.heads_at() + self.tasks * (self.hidden + 1)
    }

    /// Counts what a layer reads a step.
    pub(crate) fn reads(self, layer: usize) -> usize {
        if layer == 0 { self.features } else { self.hidden }
    }

    /// Returns where the parameters of a layer begin, with the weights of its input.
    pub(crate) fn layer_at(self, layer: usize) -> usize {
        (0..layer).map(|below| 4 * self.hidden * (self.reads(below) + self.hidden + 1)).sum()
    }

    /// Returns where the recurrent weights of a layer begin.
    pub(crate) fn recurrent_at(self, layer: usize) -> usize {
        self.layer_at(layer) + 4 * self.hidden * self.reads(layer)
    }

    /// Counts the recurrent weights of a layer.
    pub(crate) fn recurrent(self) -> usize {
        4 * self.hidden * self.hidden
    }

    /// Returns where the biases of a layer begin.
    pub(crate) fn bias_at(self, layer: usize) -> usize {
        self.recurrent_at(layer) + self.recurrent()
    }

    /// Returns where the heads' parameters begin.
    pub(crate) fn heads_at(self) -> usize {
        self.layer_at(self.layers)
    }

    /// Returns, by parameter, 1 where it decays: weights do, biases don't.
    pub(crate) fn decays(self) -> Vec<f32> {
        let mut decays = vec![1.0; self.parameters()];
        for layer in 0..self.layers {
            decays[self.bias_at(layer)..][..4 * self.hidden].fill(0.0);
        }
        for head in decays[self.heads_at()..].chunks_exact_mut(self.hidden + 1) {
            head[self.hidden] = 0.0;
        }
        decays
    }
}
