//! Markov chains with finitely many states, and exact probabilities of their end.
//!
//! The true probabilities beside a simulated log are computed here by backward induction, not by sampling. With `v[T]`
//! given, `v[t](s) = Σ P_t(s → s') · v[t+1](s')`.

/// Describes a Markov chain whose transitions may differ from step to step.
pub(crate) trait MarkovChain {
    /// Returns the number of states.
    fn states(&self) -> usize;

    /// Calls `visit(next state, probability)` for every possible outcome of `step` (from time `step` to `step + 1`), always
    /// in the same order. The probabilities add up to 1.
    fn outcomes(&self, step: usize, state: usize, visit: impl FnMut(usize, f64));

    /// Draws the state after `step`; `u` is uniform on 0 to 1.
    fn draw(&self, step: usize, state: usize, u: f64) -> usize {
        let mut sum = 0.0;
        let mut drawn = None;
        let mut last = state;
        self.outcomes(step, state, |next, p| {
            sum += p;
            last = next;
            if drawn.is_none() && u < sum {
                drawn = Some(next);
            }
        });
        // Rounding can leave the sum slightly under 1.
        drawn.unwrap_or(last)
    }
}

/// Holds for every time and state the expected value of a function of the last state.
///
/// Held in memory: `(steps + 1) · states` numbers, kept between calls of [`compute`](Self::compute).
#[derive(Debug, Default)]
pub(crate) struct Expectation {
    states: usize,
    values: Vec<f64>,
}

impl Expectation {
    /// Computes the expected value of `last`, a function of the state at time `steps`, for times `first` to `steps`.
    pub(crate) fn compute(
        &mut self,
        chain: &impl MarkovChain,
        first: usize,
        steps: usize,
        last: impl Fn(usize) -> f64,
    ) {
        self.states = chain.states();
        self.values.clear();
        self.values.resize((steps + 1) * self.states, 0.0);
        for state in 0..self.states {
            self.values[steps * self.states + state] = last(state);
        }
        for step in (first..steps).rev() {
            let (before, after) = self.values.split_at_mut((step + 1) * self.states);
            let now = &mut before[step * self.states..];
            for (state, value) in now.iter_mut().enumerate() {
                let mut sum = 0.0;
                chain.outcomes(step, state, |next, p| sum += p * after[next]);
                *value = sum;
            }
        }
    }

    /// Returns the expected value for a chain in `state` at `time`, which must not be before the `first` time computed.
    pub(crate) fn at(&self, time: usize, state: usize) -> f64 {
        self.values[time * self.states + state]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Holds transition probabilities as `[step][state][next]`.
    #[derive(Debug)]
    struct Table(Vec<Vec<Vec<f64>>>);

    impl MarkovChain for Table {
        fn states(&self) -> usize {
            self.0[0].len()
        }

        fn outcomes(&self, step: usize, state: usize, mut visit: impl FnMut(usize, f64)) {
            for (next, &p) in self.0[step][state].iter().enumerate() {
                if p > 0.0 {
                    visit(next, p);
                }
            }
        }
    }

    /// Adds up every path.
    fn by_enumeration(chain: &Table, step: usize, state: usize, last: &[f64]) -> f64 {
        if step == chain.0.len() {
            return last[state];
        }
        (0..chain.states()).map(|next| chain.0[step][state][next] * by_enumeration(chain, step + 1, next, last)).sum()
    }

    fn tables() -> impl Strategy<Value = (Table, Vec<f64>)> {
        (2usize..4, 1usize..6).prop_flat_map(|(states, steps)| {
            let row = prop::collection::vec(0u32..4, states).prop_map(|weights| {
                let total: u32 = weights.iter().sum();
                let even = vec![1.0 / weights.len() as f64; weights.len()];
                if total == 0 { even } else { weights.iter().map(|&w| f64::from(w) / f64::from(total)).collect() }
            });
            let table = prop::collection::vec(prop::collection::vec(row, states), steps);
            (table.prop_map(Table), prop::collection::vec(0.0..1.0f64, states))
        })
    }

    proptest! {
        #[test]
        fn backward_induction_equals_enumeration((chain, last) in tables()) {
            let mut expectation = Expectation::default();
            expectation.compute(&chain, 0, chain.0.len(), |state| last[state]);
            for step in 0..=chain.0.len() {
                for state in 0..chain.states() {
                    let expected = by_enumeration(&chain, step, state, &last);
                    prop_assert!((expectation.at(step, state) - expected).abs() < 1e-12);
                }
            }
        }

        #[test]
        fn draw_takes_each_outcome_over_its_share((chain, _) in tables(), u in 0.0..1.0f64) {
            let next = chain.draw(0, 0, u);
            let below: f64 = chain.0[0][0][..next].iter().sum();
            prop_assert!(u + 1e-12 >= below && u <= below + chain.0[0][0][next] + 1e-12);
            prop_assert!(chain.0[0][0][next] > 0.0);
        }
    }

    #[test]
    fn a_chain_by_hand() {
        // Stays with ½, is lost otherwise: after three steps one in eight is still there.
        let chain = Table(vec![vec![vec![0.5, 0.5], vec![0.0, 1.0]]; 3]);
        let mut expectation = Expectation::default();
        expectation.compute(&chain, 0, 3, |state| f64::from(u8::from(state == 0)));
        assert_eq!(expectation.at(0, 0), 0.125);
        assert_eq!(expectation.at(0, 1), 0.0);
        assert_eq!(expectation.at(3, 0), 1.0);
    }
}
