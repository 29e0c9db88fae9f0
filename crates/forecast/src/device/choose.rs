//! The choice of a device: the one asked for, or the best that computes right.

use super::backend::{Backend, DeviceInfo, Hardware};
use super::check::{self, Check};
use super::choice::{DeviceChoice, Numbers};
use super::chosen::ChosenDevice;
use super::error::DeviceError;
use super::find::{self, Found, Opened};
use super::work::{Prediction, Work, about};

/// Takes the device for `choice`, which `auto` makes depend on the work that is to be done there. Where several networks are to be
/// trained, GPUs like it are beside it.
///
/// # Errors
/// When the backend asked for is not in this build, has no such device, or has none that computes right. `auto` never
/// fails: flex is always there.
pub fn choose(choice: DeviceChoice, work: &Work) -> Result<ChosenDevice, DeviceError> {
    match choice {
        DeviceChoice::Auto => Ok(choose_for(work)),
        DeviceChoice::Backend(Backend::Flex) | DeviceChoice::Devices(Backend::Flex, _) => Ok(ChosenDevice::flex()),
        DeviceChoice::Backend(backend) | DeviceChoice::Devices(backend, _) if !backend.built_in() => {
            Err(DeviceError::NotBuiltIn { backend })
        }
        DeviceChoice::Backend(backend) => choose_from(backend, work),
        DeviceChoice::Devices(backend, Numbers::All) => choose_all(backend),
        DeviceChoice::Devices(backend, numbers) => choose_numbers(backend, &numbers.list()),
    }
}

/// Takes the best device of a backend that computes right, and those like it.
fn choose_from(backend: Backend, work: &Work) -> Result<ChosenDevice, DeviceError> {
    let mut found = find::devices(backend);
    let mut refused = None;
    let mut devices = std::mem::take(&mut found.devices).into_iter();
    while let Some((info, device)) = devices.next() {
        match check::check(&info, &device) {
            Check::Passed { .. } => {
                let why = format!("{backend} was asked for, and its first device that computes right is {}", info.name);
                return Ok(with_like(ChosenDevice::new(info, why, device), devices, work));
            }
            Check::Failed { reason } => {
                refused.get_or_insert(DeviceError::Refused { device: info, reason });
            }
        }
    }
    Err(refused.unwrap_or_else(|| DeviceError::NoAdapter { backend, reason: found.why_none() }))
}

/// Adds the GPUs that are like `chosen` and compute right, as many as there are networks to train side by side.
fn with_like(chosen: ChosenDevice, others: impl Iterator<Item = Opened>, work: &Work) -> ChosenDevice {
    let wanted = work.side_by_side().saturating_sub(1);
    if chosen.info.hardware == Hardware::Software || chosen.is_cpu() || wanted == 0 {
        return chosen;
    }
    let like: Vec<Opened> =
        others.filter(|(info, _)| *info == chosen.info).take(usize::try_from(wanted).unwrap_or(usize::MAX)).collect();
    let (beside, refused) = check_all(like);
    let mut why = chosen.why.clone();
    match beside.len() {
        0 => {}
        1 => why += "; another one like it is beside it",
        count => why += &format!("; {count} others like it are beside it"),
    }
    if let Some(refused) = refused.first() {
        why += &format!("; {refused}");
    }
    ChosenDevice { why, ..chosen }.beside(beside)
}

/// Takes all devices of a backend that compute right; software only where there is nothing else.
fn choose_all(backend: Backend) -> Result<ChosenDevice, DeviceError> {
    let mut found = find::devices(backend);
    let mut devices = std::mem::take(&mut found.devices);
    if devices.iter().any(|(info, _)| info.hardware != Hardware::Software) {
        devices.retain(|(info, _)| info.hardware != Hardware::Software);
    }
    let (chosen, mut refused) = check_all(devices);
    let why = |count: usize| {
        let left_out = refused.iter().map(|refused| format!("; {refused}")).collect::<String>();
        format!("all devices of {backend} were asked for, and {count} compute right{left_out}")
    };
    match together(chosen, why) {
        Some(chosen) => Ok(chosen),
        None if refused.is_empty() => Err(DeviceError::NoAdapter { backend, reason: found.why_none() }),
        None => Err(refused.remove(0)),
    }
}

/// Takes these devices of a backend, all of which must compute right.
fn choose_numbers(backend: Backend, numbers: &[usize]) -> Result<ChosenDevice, DeviceError> {
    let mut found = find::devices(backend);
    let devices = std::mem::take(&mut found.devices);
    if devices.is_empty() {
        return Err(DeviceError::NoAdapter { backend, reason: found.why_none() });
    }
    if let Some(&number) = numbers.iter().find(|&&number| number >= devices.len()) {
        return Err(DeviceError::NoSuchNumber { backend, number, found: devices.len() });
    }
    let (chosen, mut refused) = check_all(numbers.iter().map(|&number| devices[number].clone()).collect());
    if !refused.is_empty() {
        return Err(refused.remove(0));
    }
    let names = chosen.iter().map(|one| one.info.name.clone()).collect::<Vec<_>>().join(", ");
    let chosen = together(chosen, |_| format!("{names} of {backend}, as asked for"));
    chosen.ok_or_else(|| DeviceError::NoAdapter { backend, reason: "no number was named".to_owned() })
}

/// Joins devices to one with the others beside it; `None` where there is none.
fn together(devices: Vec<ChosenDevice>, why: impl FnOnce(usize) -> String) -> Option<ChosenDevice> {
    let why = why(devices.len());
    let mut devices = devices.into_iter();
    let first = devices.next()?;
    Some(ChosenDevice { why, ..first }.beside(devices))
}

/// Checks devices side by side. Returns those that compute right, and why others do not.
fn check_all(devices: Vec<Opened>) -> (Vec<ChosenDevice>, Vec<DeviceError>) {
    let checks = check::check_all(&devices);
    let (mut right, mut refused) = (Vec::new(), Vec::new());
    for ((info, device), check) in devices.into_iter().zip(checks) {
        match check {
            Check::Passed { .. } => right.push(ChosenDevice::new(info, "it computes right".to_owned(), device)),
            Check::Failed { reason } => refused.push(DeviceError::Refused { device: info, reason }),
        }
    }
    (right, refused)
}

/// Takes a real GPU that computes right, where it is predicted to be faster at this work than the CPU, or else the CPU.
fn choose_for(work: &Work) -> ChosenDevice {
    let backends: Vec<Backend> =
        [Backend::Cuda, Backend::Vulkan, Backend::Wgpu].into_iter().filter(|backend| backend.built_in()).collect();
    if backends.is_empty() {
        return flex_since("this build has no GPU backend");
    }
    let cores = cores();
    // A driver takes seconds to open: none is asked where no GPU could make up for them.
    if let Some(why) = why_no_gpu(work, cores) {
        return flex_since(&why);
    }
    let mut passed_over = Vec::new();
    for backend in backends {
        let Found { devices, absent, .. } = find::devices(backend);
        passed_over.extend(absent.map(|reason| format!("{backend} found no device ({reason})")));
        let mut devices = devices.into_iter();
        while let Some((info, device)) = devices.next() {
            if info.hardware == Hardware::Software {
                passed_over.push(format!("{info} is software"));
                continue;
            }
            let like_it = 1 + devices.as_slice().iter().filter(|(other, _)| *other == info).count() as u64;
            let predicted = work.predict(cores, like_it, info.hardware);
            if let Some(Prediction { cpu, gpu }) = predicted.filter(|predicted| !predicted.gpu_is_faster()) {
                let (cpu, gpu) = (about(cpu), about(gpu));
                passed_over.push(format!("this is predicted to take {cpu} there and {gpu} on {info}"));
                continue;
            }
            match check::check(&info, &device) {
                Check::Passed { error } => {
                    let why = why_gpu(&info, predicted, error);
                    return with_like(ChosenDevice::new(info, why, device), devices, work);
                }
                Check::Failed { reason } => passed_over.push(format!("{info} is refused: {reason}")),
            }
        }
    }
    flex_since(&passed_over.join("; "))
}

/// Says why a GPU was taken.
fn why_gpu(info: &DeviceInfo, predicted: Option<Prediction>, error: f64) -> String {
    match predicted {
        Some(Prediction { cpu, gpu }) => format!(
            "{info}, since this is predicted to take {} there and {} on the CPU; it computes right (error {error:.1e})",
            about(gpu),
            about(cpu)
        ),
        None => format!("{info}, a GPU that computes right (error {error:.1e})"),
    }
}

/// Says why no GPU can be the faster at this work; `None` where one may be.
fn why_no_gpu(work: &Work, cores: usize) -> Option<String> {
    if *work == Work::none() {
        return Some("there is no network to compute".to_owned());
    }
    let Prediction { cpu, gpu } = work.predict_at_best(cores).filter(|best| !best.gpu_is_faster())?;
    Some(format!(
        "this is predicted to take {} there, and {} or more on a GPU, which has to be started first",
        about(cpu),
        about(gpu)
    ))
}

fn flex_since(why: &str) -> ChosenDevice {
    ChosenDevice { why: format!("flex on the CPU, since {why}"), ..ChosenDevice::flex() }
}

/// Counts the cores that the current rayon pool can use at a time.
fn cores() -> usize {
    let there_are = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    rayon::current_num_threads().min(there_are)
}

#[cfg(test)]
mod tests {
    use super::super::work::{NetworkSize, NetworkTask, TaskKind};
    use super::*;

    #[test]
    fn auto_always_finds_a_device_and_says_why() {
        let chosen = choose(DeviceChoice::Auto, &Work::Unknown).expect("flex is always there");
        assert_ne!(chosen.info.hardware, Hardware::Software);
        assert!(!chosen.why.is_empty());
    }

    #[test]
    fn auto_says_why_in_a_sentence_and_opens_no_driver_for_little_work() {
        let size = NetworkSize { weeks: 12, inputs: 87, hidden: 64, layers: 1 };
        let scoring = |rows| Work::Tasks(vec![NetworkTask { networks: 1, size, kind: TaskKind::Inference { rows } }]);
        let why = why_no_gpu(&scoring(50_000), 16).expect("the CPU is faster");
        assert_eq!(
            why,
            "this is predicted to take about 0.1 s there, and about 2.0 s or more on a GPU, which has to be started first"
        );
        assert_eq!(why_no_gpu(&Work::none(), 16).as_deref(), Some("there is no network to compute"));
        assert_eq!(why_no_gpu(&scoring(50_000_000), 16), None);
        assert_eq!(why_no_gpu(&Work::Unknown, 16), None);
        for work in [Work::none(), scoring(1000)] {
            let chosen = choose(DeviceChoice::Auto, &work).expect("flex is always there");
            assert_eq!(chosen.info.backend, Backend::Flex);
            let expected = match Backend::Wgpu.built_in() || Backend::Cuda.built_in() {
                true => why_no_gpu(&work, cores()).expect("the CPU is faster"),
                false => "this build has no GPU backend".to_owned(),
            };
            assert_eq!(chosen.why, format!("flex on the CPU, since {expected}"));
        }
    }

    #[test]
    fn a_backend_that_is_not_built_in_is_refused_by_name() {
        for backend in Backend::ALL.into_iter().filter(|backend| !backend.built_in()) {
            let message = choose(DeviceChoice::Backend(backend), &Work::Unknown).expect_err("not built in").to_string();
            assert!(message.contains(&format!("without the feature `{backend}`")), "{message}");
        }
    }

    #[test]
    fn flex_passes_its_own_check() {
        let reports = super::super::find::list();
        let flex = &reports[0];
        assert_eq!(flex.backend, Backend::Flex);
        assert!(matches!(flex.devices[0].check, Check::Passed { error } if error < 1e-5));
    }

    #[test]
    #[cfg(feature = "ndarray")]
    fn ndarray_passes() {
        let found = choose(DeviceChoice::Backend(Backend::Ndarray), &Work::Unknown);
        assert_eq!(found.expect("it computes right").info.hardware, Hardware::Cpu);
    }
}
