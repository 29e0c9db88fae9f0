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
    /// Threads that the workers share.
    threads: usize,
}

/// Names a job that a worker has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TakenJob {
    /// Its number.
    pub(super) job: usize,
    /// Threads that it may compute on: more than the worker's own for the last jobs, where these are fewer than the workers.
    pub(super) threads: usize,
}

impl<'a> Team<'a> {
    fn new(jobs: Vec<usize>, workers: Vec<Worker<'a>>, threads: usize) -> Self {
        Self { jobs, next: AtomicUsize::new(0), workers, threads }
    }

    /// Makes a team of as many workers as there are jobs and threads for, all on one device.
    fn on_threads(jobs: Vec<usize>, threads: usize, device: PlacedDevice<'a>) -> Self {
        let count = threads.min(jobs.len());
        let each = threads.checked_div(count).unwrap_or(1).max(1);
        Self::new(jobs, vec![Worker { threads: each, device }; count], threads)
    }

    /// Takes the next job that nobody has taken.
    pub(super) fn next_job(&self) -> Option<TakenJob> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let job = *self.jobs.get(at)?;
        let workers = self.workers.len();
        let of_its_round = (self.jobs.len() - at / workers * workers).min(workers);
        Some(TakenJob { job, threads: (self.threads / of_its_round).max(1) })
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
    vec![Team::new(networks, workers.collect(), threads), Team::on_threads(others, threads, devices[0])]
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
        let taken = [team.next_job(), team.next_job(), team.next_job()];
        assert_eq!(taken.map(|taken| taken.map(|taken| taken.job)), [Some(0), Some(2), None]);
    }

    #[test]
    fn the_last_jobs_share_the_threads_that_no_other_job_needs() {
        let threads = |chosen: &ChosenDevice, jobs: usize, threads: usize| -> Vec<usize> {
            let team = &teams(chosen, &vec![true; jobs], threads)[0];
            std::iter::from_fn(|| team.next_job()).map(|taken| taken.threads).collect()
        };
        let cpu = flex(1);
        assert_eq!(threads(&cpu, 5, 2), [1, 1, 1, 1, 2]);
        assert_eq!(threads(&cpu, 4, 2), [1, 1, 1, 1]);
        assert_eq!(threads(&cpu, 6, 4), [1, 1, 1, 1, 2, 2]);
        assert_eq!(threads(&cpu, 7, 4), [1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(threads(&cpu, 5, 8), [1, 1, 1, 1, 1]);
        assert_eq!(threads(&cpu, 1, 4), [4]);
        assert_eq!(threads(&flex(2), 3, 4), [2, 2, 4]);
    }
}
