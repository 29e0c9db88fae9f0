//! How long the networks at hand take on a CPU and on a GPU, as far as that can be told before they are begun.
//!
//! The figures are of few machines: a Xeon of 2.5 GHz with AVX-512, of which two and 16 cores were measured, and an NVIDIA
//! H200 (`crates/lstm/README.md`, `docs/experiments.md`). They need to be right within a factor of two only: the
//! two differ by much more than that wherever the choice between them matters.

use super::backend::Hardware;

/// Counts the multiplications and additions a second in which one core trains and forecasts. Two cores were measured at 119
/// to 133 billion.
const CPU_OPERATIONS: f64 = 65e9;
/// Sets how the speed of one network grows with the cores that share its work, as a power of their number. 16 cores were
/// measured at 300 to 400 billion operations a second.
const CPU_SCALING: f64 = 0.6;

/// Sets the seconds that a GPU takes to open and to compile what training needs; 2 to 4 were measured.
const GPU_START_OF_TRAINING: f64 = 3.0;
/// Sets the same for forecasting; 1.7 to 2.9 were measured.
const GPU_START_OF_INFERENCE: f64 = 2.0;
/// Sets the seconds of a training step beside its arithmetic. 4.5 ms were measured while a step was 140 launches; for the seven
/// of today 0.25 to 0.6 ms are predicted (`crates/lstm/README.md`), and twice as much is taken, as none was measured.
const GPU_STEP: f64 = 1e-3;
/// Sets the seconds of a batch of forecasts beside its arithmetic.
const GPU_BATCH: f64 = 1e-3;
/// Counts the sequences that are forecast in a batch.
const GPU_BATCH_ROWS: u64 = 2048;
/// Counts the operations a second of a card of its own, in a training step.
const CARD_OPERATIONS: f64 = 6e12;
/// Counts those of a GPU that shares the CPU's memory, or does not say what it is. None was measured: assumed is the same
/// share, a tenth, of a peak of 2e12.
const INTEGRATED_OPERATIONS: f64 = 2e11;

/// Bounds the share of the CPU's time that a GPU may be predicted to take where it is chosen. Predictions err by a fifth.
const CLEARLY_FASTER: f64 = 0.8;

/// Describes the networks that a command computes with.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Nobody knows yet: what is fit for large work is chosen.
    Unknown,
    /// These tasks, one after the other; none where no network is computed with.
    Tasks(Vec<NetworkTask>),
}

/// Describes equal networks that do the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkTask {
    /// How many they are.
    pub networks: u64,
    /// Their shape.
    pub size: NetworkSize,
    /// Says what each of them does.
    pub kind: TaskKind,
}

/// Holds the sizes of a network and of its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSize {
    /// Weeks of a sequence.
    pub weeks: usize,
    /// Inputs a week.
    pub inputs: usize,
    /// Units of each LSTM layer.
    pub hidden: usize,
    /// LSTM layers on top of each other.
    pub layers: usize,
}

/// Says what a network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// It is trained.
    Training {
        /// Sequences that it learns from.
        rows: u64,
        /// Sequences that it forecasts after each epoch.
        held_out: u64,
        /// Most passes over them.
        epochs: u64,
        /// Sequences a step.
        batch: u64,
    },
    /// It forecasts.
    Inference {
        /// Sequences to forecast.
        rows: u64,
    },
}

/// Holds what is predicted of some work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prediction {
    /// Seconds on the CPU.
    pub(super) cpu: f64,
    /// Seconds on the GPU or the GPUs.
    pub(super) gpu: f64,
}

impl Prediction {
    /// Tells whether the GPU is so much faster that a wrong prediction does little harm.
    pub(super) fn gpu_is_faster(self) -> bool {
        self.gpu < CLEARLY_FASTER * self.cpu
    }
}

impl Work {
    /// Describes work without networks.
    #[must_use]
    pub const fn none() -> Self {
        Self::Tasks(Vec::new())
    }

    /// Joins this work and more.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        match (self, more) {
            (Self::Tasks(mut tasks), Self::Tasks(more)) => {
                tasks.extend(more);
                Self::Tasks(tasks)
            }
            _ => Self::Unknown,
        }
    }

    /// Repeats it so many times, side by side.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        match self {
            Self::Tasks(tasks) => {
                let times = |task: NetworkTask| NetworkTask { networks: task.networks * count, ..task };
                Self::Tasks(tasks.into_iter().map(times).collect())
            }
            Self::Unknown => Self::Unknown,
        }
    }

    /// Returns the networks that can be computed side by side: those of the task that has most.
    #[must_use]
    pub fn side_by_side(&self) -> u64 {
        match self {
            Self::Unknown => 1,
            Self::Tasks(tasks) => tasks.iter().map(NetworkTask::side_by_side).max().unwrap_or(0),
        }
    }

    /// Predicts the seconds that this takes on `cores` of a CPU, and on `gpus` of a kind; `None` where it is not known.
    pub(super) fn predict(&self, cores: usize, gpus: u64, hardware: Hardware) -> Option<Prediction> {
        let Self::Tasks(tasks) = self else { return None };
        let trains = |task: &NetworkTask| matches!(task.kind, TaskKind::Training { .. });
        let start = if tasks.iter().any(trains) { GPU_START_OF_TRAINING } else { GPU_START_OF_INFERENCE };
        Some(Prediction {
            cpu: tasks.iter().map(|task| task.on_cpu(cores)).sum(),
            gpu: start + tasks.iter().map(|task| task.on_gpus(gpus, hardware)).sum::<f64>(),
        })
    }

    /// Predicts the same on as many of the fastest GPUs as there is work for.
    pub(super) fn predict_at_best(&self, cores: usize) -> Option<Prediction> {
        self.predict(cores, u64::MAX, Hardware::Discrete)
    }
}

impl NetworkTask {
    fn side_by_side(&self) -> u64 {
        match self.kind {
            TaskKind::Training { .. } => self.networks,
            TaskKind::Inference { .. } => 1,
        }
    }

    /// Counts the operations of one network, in matrix products.
    fn operations(&self) -> f64 {
        let (forward, backward) = (self.size.forward_operations(), self.size.backward_operations());
        match self.kind {
            TaskKind::Training { rows, held_out, epochs, .. } => {
                epochs as f64 * (rows as f64 * (forward + backward) + held_out as f64 * forward)
            }
            TaskKind::Inference { rows } => rows as f64 * forward,
        }
    }

    fn on_cpu(&self, cores: usize) -> f64 {
        let workers = self.side_by_side().clamp(1, cores.max(1) as u64) as f64;
        let speed_of_each = CPU_OPERATIONS * (cores.max(1) as f64 / workers).powf(CPU_SCALING);
        self.networks as f64 * self.operations() / (workers * speed_of_each)
    }

    fn on_gpus(&self, gpus: u64, hardware: Hardware) -> f64 {
        let in_a_row = self.networks.div_ceil(self.side_by_side().clamp(1, gpus.max(1)));
        let speed = match hardware {
            Hardware::Discrete | Hardware::Virtual => CARD_OPERATIONS,
            Hardware::Integrated | Hardware::Other | Hardware::Software | Hardware::Cpu => INTEGRATED_OPERATIONS,
        };
        let launches = match self.kind {
            TaskKind::Training { rows, held_out, epochs, batch } => {
                let steps = rows.div_ceil(batch.max(1)) as f64;
                epochs as f64 * (steps * GPU_STEP + held_out.div_ceil(GPU_BATCH_ROWS) as f64 * GPU_BATCH)
            }
            TaskKind::Inference { rows } => rows.div_ceil(GPU_BATCH_ROWS) as f64 * GPU_BATCH,
        };
        in_a_row as f64 * (launches + self.operations() / speed)
    }
}

impl NetworkSize {
    fn layers(&self) -> impl Iterator<Item = (f64, f64)> {
        let (inputs, hidden) = (self.inputs as f64, self.hidden as f64);
        (0..self.layers).map(move |layer| (if layer == 0 { inputs } else { hidden }, hidden))
    }

    /// Counts the operations of one sequence forward: two for each weight of the four gates, each week.
    fn forward_operations(&self) -> f64 {
        self.layers().map(|(inputs, hidden)| 8.0 * self.weeks as f64 * hidden * (inputs + hidden)).sum()
    }

    /// Counts those of the way back: the weights' gradients, and what is handed to the step and the layer before.
    fn backward_operations(&self) -> f64 {
        let handed_down = |layer: usize, inputs: f64| if layer == 0 { 0.0 } else { inputs };
        self.layers()
            .enumerate()
            .map(|(layer, (inputs, hidden))| {
                8.0 * self.weeks as f64 * hidden * (inputs + 2.0 * hidden + handed_down(layer, inputs))
            })
            .sum()
    }
}

/// Writes predicted seconds with the digits that a prediction has.
pub(super) fn about(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.1 => "less than 0.1 s".to_owned(),
        _ if seconds < 10.0 => format!("about {seconds:.1} s"),
        _ if seconds < 120.0 => format!("about {seconds:.0} s"),
        _ if seconds < 7200.0 => format!("about {:.0} min", seconds / 60.0),
        _ => format!("about {:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(hidden: usize) -> NetworkSize {
        NetworkSize { weeks: 12, inputs: 87, hidden, layers: 1 }
    }

    fn scoring(rows: u64, hidden: usize, networks: u64) -> Work {
        Work::Tasks(vec![NetworkTask { networks, size: size(hidden), kind: TaskKind::Inference { rows } }])
    }

    fn training(learners: u64, hidden: usize, networks: u64) -> Work {
        let (rows, held_out) = (learners * 4 / 5, learners / 5);
        let kind = TaskKind::Training { rows, held_out, epochs: 30, batch: if rows > 10_000 { 1024 } else { 128 } };
        Work::Tasks(vec![NetworkTask { networks, size: size(hidden), kind }])
    }

    fn predict(work: &Work, cores: usize) -> Prediction {
        work.predict(cores, 1, Hardware::Discrete).expect("known")
    }

    /// The figures of docs/experiments.md, "A first card", within a third. A step took 4.5 ms then, in 30 epochs of 40 steps.
    #[test]
    fn what_was_measured_is_predicted() {
        let slower_steps = 30.0 * 40.0 * (4.5e-3 - GPU_STEP);
        let near =
            |found: f64, measured: f64| assert!((found / measured - 1.0).abs() < 0.34, "{found}, not {measured}");
        for (hidden, cpu, gpu) in [(64, 10.0, 9.9), (256, 76.0, 10.5)] {
            let found = predict(&training(50_000, hidden, 1), 16);
            near(found.cpu, cpu);
            near(found.gpu + slower_steps, gpu);
        }
    }

    #[test]
    fn a_gpu_is_for_work_that_takes_the_cpu_longer() {
        for (work, cores, gpu) in [
            // Starting a GPU takes longer than all of it.
            (scoring(50_000, 64, 1), 2, false),
            (scoring(50_000, 64, 5), 16, false),
            (scoring(50_000, 128, 1), 2, false),
            (scoring(50_000, 256, 5), 1, true),
            (scoring(10_000_000, 256, 5), 16, true),
            (training(2_000, 64, 1), 1, false),
            (training(2_000, 64, 5), 16, false),
            (training(20_000, 64, 1), 16, false),
            (training(50_000, 64, 1), 16, true),
            (training(50_000, 64, 1), 1, true),
            (training(50_000, 256, 1), 16, true),
            (training(50_000, 256, 1), 1, true),
            (training(50_000, 64, 5), 16, true),
            (training(50_000, 256, 5), 16, true),
            (Work::none(), 1, false),
        ] {
            let found = predict(&work, cores);
            assert_eq!(found.gpu_is_faster(), gpu, "{work:?} on {cores} cores: {found:?}");
        }
    }

    #[test]
    fn scoring_a_cohort_opens_no_driver() {
        for hidden in [32, 64, 128] {
            let found = scoring(50_000, hidden, 1).predict_at_best(2).expect("known");
            assert!(!found.gpu_is_faster(), "{hidden}: {found:?}");
        }
    }

    #[test]
    fn a_slow_gpu_is_no_match_for_many_cores() {
        let work = training(50_000, 256, 1);
        let found = work.predict(16, 1, Hardware::Integrated).expect("known");
        assert!(!found.gpu_is_faster(), "{found:?}");
        assert!(work.predict(1, 1, Hardware::Integrated).expect("known").gpu_is_faster());
    }

    #[test]
    fn several_gpus_share_networks_and_not_one_network() {
        let on = |work: &Work, gpus| work.predict(1, gpus, Hardware::Discrete).expect("known").gpu;
        let (one, five) = (training(50_000, 256, 1), training(50_000, 256, 5));
        assert_eq!(on(&one, 1), on(&one, 8));
        let start = GPU_START_OF_TRAINING;
        assert!(((on(&five, 1) - start) / (on(&five, 5) - start) - 5.0).abs() < 1e-9);
        // Of five networks, one of two cards trains three.
        assert!(((on(&five, 2) - start) / (on(&five, 5) - start) - 3.0).abs() < 1e-9);
        assert_eq!(five.predict_at_best(1).expect("known").gpu, on(&five, 5));
        assert_eq!((one.side_by_side(), five.side_by_side(), scoring(9, 9, 9).side_by_side()), (1, 5, 1));
    }

    #[test]
    fn operations_are_those_of_the_bench() {
        let size = NetworkSize { weeks: 2, inputs: 3, hidden: 5, layers: 1 };
        assert_eq!(size.forward_operations(), 640.0);
        assert_eq!(size.forward_operations() + size.backward_operations(), 1680.0);
        // The second layer reads five units of the first, and hands gradients down to them.
        let deep = NetworkSize { layers: 2, ..size };
        assert_eq!(deep.forward_operations(), 640.0 + 800.0);
        assert_eq!(deep.backward_operations(), 1040.0 + 1600.0);
    }

    #[test]
    fn unknown_work_has_no_prediction() {
        assert_eq!(Work::Unknown.predict_at_best(4), None);
        assert_eq!(Work::none().and(Work::Unknown), Work::Unknown);
        assert_eq!(Work::none().and(Work::none()), Work::none());
    }

    #[test]
    fn seconds_have_the_digits_of_a_prediction() {
        for (seconds, text) in [
            (0.04, "less than 0.1 s"),
            (0.24, "about 0.2 s"),
            (76.4, "about 76 s"),
            (600.0, "about 10 min"),
            (9000.0, "about 2 h"),
        ] {
            assert_eq!(about(seconds), text);
        }
    }
}
