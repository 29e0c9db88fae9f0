//! Who trains which members: workers with threads and devices of their own, in teams that share a list of jobs.

use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;

use crate::device::ChosenDevice;

/// Names the device of a worker: burn's device, and its number among the run's.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedDevice<'a> {
    pub(super) number: usize,
    pub(super) device: &'a Device,
}

/// Describes a worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker<'a> {
    /// Threads of its own pool.
    pub(super) threads: usize,
    /// Where it trains networks.
    pub(super) device: PlacedDevice<'a>,
}

/// Holds workers that take the next of the same jobs whenever they are free. A job gives the same bytes whichever of them takes
/// it, as far as their devices are of a kind.
#[derive(Debug)]
pub(super) struct Team<'a> {
    /// Jobs by number.
    jobs: Vec<usize>,
    next: AtomicUsize,
    pub(super) workers: Vec<Worker<'a>>,
}

impl<'a> Team<'a> {
    fn new(jobs: Vec<usize>, workers: Vec<Worker<'a>>) -> Self {
        Self { jobs, next: AtomicUsize::new(0), workers }
    }

    /// Makes a team of as many workers as there are jobs and threads for, all on one device.
    fn on_threads(jobs: Vec<usize>, threads: usize, device: PlacedDevice<'a>) -> Self {
        let count = threads.min(jobs.len());
        let threads = threads.checked_div(count).unwrap_or(1).max(1);
        Self::new(jobs, vec![Worker { threads, device }; count])
    }

    /// Takes the next job that nobody has taken.
    pub(super) fn next_job(&self) -> Option<usize> {
        self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

/// Makes the teams for jobs of which `is_network` says whether each is a network: on one CPU, one team that does all; else one
/// with a worker a device for the networks, and beside it one on the CPU's threads for the other models.
pub(super) fn teams<'a>(chosen: &'a ChosenDevice, is_network: &[bool], threads: usize) -> Vec<Team<'a>> {
    let devices: Vec<PlacedDevice<'a>> =
        chosen.each().enumerate().map(|(number, one)| PlacedDevice { number, device: one.device() }).collect();
    if chosen.is_cpu() && devices.len() == 1 {
        return vec![Team::on_threads((0..is_network.len()).collect(), threads, devices[0])];
    }
    let (networks, others): (Vec<usize>, Vec<usize>) = (0..is_network.len()).partition(|&job| is_network[job]);
    let count = devices.len().min(networks.len());
    let each = threads.checked_div(count).unwrap_or(1).max(1);
    let workers = devices[..count].iter().map(|&device| Worker { threads: each, device });
    // Other models ask for no device.
    vec![Team::new(networks, workers.collect()), Team::on_threads(others, threads, devices[0])]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flex(count: usize) -> ChosenDevice {
        ChosenDevice::flex().beside((1..count).map(|_| ChosenDevice::flex()))
    }

    /// Holds a team's jobs, and of each worker its device's number and threads.
    type Described = (Vec<usize>, Vec<(usize, usize)>);

    fn described(chosen: &ChosenDevice, is_network: &[bool], threads: usize) -> Vec<Described> {
        let workers = |team: &Team<'_>| team.workers.iter().map(|one| (one.device.number, one.threads)).collect();
        teams(chosen, is_network, threads).iter().map(|team| (team.jobs.clone(), workers(team))).collect()
    }

    #[test]
    fn one_cpu_is_a_team_of_threads() {
        assert_eq!(described(&flex(1), &[true, false, true], 8), [(vec![0, 1, 2], vec![(0, 2); 3])]);
        assert_eq!(described(&flex(1), &[true; 5], 2), [(vec![0, 1, 2, 3, 4], vec![(0, 1); 2])]);
        assert_eq!(described(&flex(1), &[], 4), [(vec![], vec![])]);
    }

    #[test]
    fn several_devices_have_a_worker_each_and_other_models_the_threads_beside() {
        let found = described(&flex(2), &[true, true, true, false, false], 4);
        assert_eq!(found, [(vec![0, 1, 2], vec![(0, 2), (1, 2)]), (vec![3, 4], vec![(0, 2), (0, 2)])]);
        // No more workers than networks, and no fewer threads than one.
        let found = described(&flex(3), &[false, true], 1);
        assert_eq!(found, [(vec![1], vec![(0, 1)]), (vec![0], vec![(0, 1)])]);
        assert_eq!(described(&flex(2), &[true], 8), [(vec![0], vec![(0, 8)]), (vec![], vec![])]);
        assert_eq!(described(&flex(2), &[false], 8), [(vec![], vec![]), (vec![0], vec![(0, 8)])]);
    }

    #[test]
    fn a_job_is_taken_once() {
        let chosen = flex(2);
        let team = &teams(&chosen, &[true, false, true], 2)[0];
        assert_eq!([team.next_job(), team.next_job(), team.next_job()], [Some(0), Some(2), None]);
    }
}
