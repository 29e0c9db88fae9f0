//! How a pass is cut for a device: pure arithmetic on its limits.

use cubecl::ir::HardwareProperties;

/// Bounds the units of a cube while a smaller cube would do: at 512 a unit has 128 registers on the cards there are,
/// and its accumulators stay in them.
const PREFERRED_UNITS: usize = 512;

/// Bounds the rows of weights that a unit fetches ahead: four registers each.
const MOST_AHEAD: usize = 4;

/// Counts the cubes that keep a device busy, where it does not say how many processors it has, as through Vulkan. The large
/// cards of today have 108 to 142; with fewer cubes some of them idle, with more each does less between two reads of the weights (predicted, not measured).
const CUBES_WANTED: usize = 128;

/// Lists the cubes of a tiling: rows a unit owns and groups of rows side by side, most sequences a cube first.
///
/// Sixteen rows a unit need twice the registers and are there for layers too wide for more groups.
pub(super) const CUTS: [(usize, usize); 7] = [(8, 4), (16, 2), (8, 2), (16, 1), (4, 2), (8, 1), (4, 1)];

/// Selects what a pass multiplies by the recurrent weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// The outputs of the step before: one number a hidden unit and sequence.
    Forward,
    /// The gradients of the gates' sums: four numbers.
    Backward,
}

/// Holds the limits of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DeviceLimits {
    /// Units of a cube.
    pub(super) units: usize,
    /// Shared memory of a cube, bytes.
    pub(super) shared_bytes: usize,
    /// Cubes that keep it busy.
    pub(super) cubes: usize,
}

impl DeviceLimits {
    pub(super) fn from_hardware(hardware: &HardwareProperties) -> Self {
        let units = hardware.max_units_per_cube.min(hardware.max_cube_dim.0);
        let cubes = hardware.num_streaming_multiprocessors.map_or(CUBES_WANTED, |count| count as usize);
        Self { units: units as usize, shared_bytes: hardware.max_shared_memory_size, cubes }
    }
}

/// Describes one cube: `hidden × groups` units, each of which owns one hidden unit of `rows` sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tiling {
    /// Hidden units of the layer.
    pub(super) hidden: usize,
    /// Sequences a unit owns, a multiple of four.
    pub(super) rows: usize,
    /// Groups of `rows` sequences in a cube.
    pub(super) groups: usize,
    /// Hidden units whose weights are in shared memory at one time; all of them, and they stay for the whole pass.
    pub(super) slice: usize,
}

impl Tiling {
    /// Chooses the tiling for `batch` sequences, or `None` where no cube of the device can hold the layer.
    pub(super) fn choose(limits: DeviceLimits, pass: Pass, hidden: usize, batch: usize) -> Option<Self> {
        let fitting: Vec<_> = CUTS
            .into_iter()
            .filter(|&(rows, groups)| {
                let units = hidden * groups;
                let preferred = units <= PREFERRED_UNITS || (groups == 1 && rows <= 8);
                preferred && units <= limits.units
            })
            .filter_map(|(rows, groups)| Self::sliced(limits, pass, Self { hidden, rows, groups, slice: hidden }))
            .collect();
        let busy = fitting.iter().find(|tiling| batch.div_ceil(tiling.sequences()) >= limits.cubes);
        busy.or(fitting.last()).copied()
    }

    /// Returns the same with all weights in shared memory if they fit, else with as large a slice as does.
    fn sliced(limits: DeviceLimits, pass: Pass, whole: Self) -> Option<Self> {
        let most = whole.groups * MOST_AHEAD;
        let slices = [whole.hidden, 16, 8, 4, 2, 1].into_iter();
        slices
            .filter(|&slice| slice == whole.hidden || slice <= most.min(whole.hidden))
            .map(|slice| Self { slice, ..whole })
            .find(|tiling| tiling.shared_bytes(pass) <= limits.shared_bytes)
    }

    /// Counts the sequences of a cube.
    pub(super) fn sequences(self) -> usize {
        self.rows * self.groups
    }

    /// Tells whether all weights stay in shared memory.
    pub(super) fn resident(self) -> bool {
        self.slice == self.hidden
    }

    /// Counts the slices that make up the layer.
    pub(super) fn slices(self) -> usize {
        self.hidden.div_ceil(self.slice)
    }

    /// Counts the rows of weights that each unit fetches for a slice.
    pub(super) fn ahead(self) -> usize {
        self.slice.div_ceil(self.groups)
    }

    /// Groups of four numbers in shared memory for one hidden unit of what is multiplied. One more than there are, so
    /// that units of neighbouring columns write to different banks.
    pub(super) fn stride(self, pass: Pass) -> usize {
        1 + match pass {
            Pass::Forward => self.sequences() / 4,
            Pass::Backward => self.sequences(),
        }
    }

    fn shared_bytes(self, pass: Pass) -> usize {
        16 * self.slice * (self.hidden + self.stride(pass))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOFTWARE: DeviceLimits = DeviceLimits { units: 1024, shared_bytes: 32 << 10, cubes: CUBES_WANTED };
    const VULKAN: DeviceLimits = DeviceLimits { units: 1024, shared_bytes: 48 << 10, cubes: CUBES_WANTED };
    const CUDA: DeviceLimits = DeviceLimits { units: 1024, shared_bytes: 227 << 10, cubes: 132 };
    const LEAST: DeviceLimits = DeviceLimits { units: 256, shared_bytes: 16 << 10, cubes: CUBES_WANTED };

    #[test]
    fn every_tiling_keeps_to_the_device() {
        for limits in [SOFTWARE, VULKAN, CUDA, LEAST] {
            for pass in [Pass::Forward, Pass::Backward] {
                for hidden in 1..=1100 {
                    for batch in [1, 5, 256, 4096, 1_000_000] {
                        let Some(tiling) = Tiling::choose(limits, pass, hidden, batch) else {
                            assert!(hidden > 256, "{hidden} hidden units fit no cube of {limits:?}");
                            continue;
                        };
                        assert!(tiling.hidden * tiling.groups <= limits.units, "{tiling:?}");
                        assert!(tiling.shared_bytes(pass) <= limits.shared_bytes, "{tiling:?}");
                        assert!(tiling.rows.is_multiple_of(4) && tiling.slice >= 1, "{tiling:?}");
                        assert!(tiling.resident() || tiling.ahead() <= MOST_AHEAD, "{tiling:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn weights_stay_in_shared_memory_where_they_fit() {
        let resident = |limits, pass, hidden| Tiling::choose(limits, pass, hidden, 4096).unwrap().resident();
        assert!(resident(CUDA, Pass::Forward, 64) && resident(CUDA, Pass::Backward, 64));
        assert!(resident(VULKAN, Pass::Forward, 32));
        assert!(!resident(VULKAN, Pass::Forward, 64));
        assert!(!resident(CUDA, Pass::Forward, 128));
    }

    #[test]
    fn a_large_batch_gets_large_tiles_and_a_small_one_many_cubes() {
        for hidden in [64, 128, 256] {
            assert_eq!(Tiling::choose(VULKAN, Pass::Forward, hidden, 4096).unwrap().sequences(), 32);
            assert_eq!(Tiling::choose(VULKAN, Pass::Forward, hidden, 64).unwrap().sequences(), 4);
        }
    }

    #[test]
    fn a_layer_wider_than_a_cube_has_no_tiling() {
        assert_eq!(Tiling::choose(CUDA, Pass::Forward, 1025, 64), None);
    }
}
