//! The same run on a GPU and on flex, on tiny shapes. Needs an adapter, which may be a software one.

#![cfg(feature = "wgpu")]

mod common;

use std::task::{Context, Poll, Waker};

use burn::backend::WgpuDeviceKind;
use burn::backend::wgpu::{RuntimeOptions, WgpuSetup, try_init_device, wgpu};
use burn::tensor::{Device, DeviceKind};
use common::{bytes_of, config, cut_off, dataset};
use staycast_forecast::device::{
    Backend, Check, ChosenDevice, DeviceChoice, DeviceInfo, Hardware, Numbers, Work, choose, list,
};
use staycast_forecast::{
    EvaluateRequest, Forecasts, Run, ScoreRequest, Start, TrainRequest, Unwatched, evaluate, score, train,
};
use staycast_sequences::{CutOff, EnrolmentIndex};

/// Sets the greatest difference of a logit from flex after the same few training steps.
const TOLERANCE: f64 = 2e-3;

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn the_adapter_is_listed_with_its_name_and_passes_the_check() {
    let reports = list();
    let wgpu = reports.iter().find(|report| report.backend == Backend::Wgpu).expect("built in");
    let device = wgpu.devices.first().unwrap_or_else(|| panic!("no adapter: {:?}", wgpu.absent));
    assert!(!device.info.name.is_empty());
    assert!(matches!(device.check, Check::Passed { error } if error < 1e-4), "{:?}", device.check);
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn training_evaluating_and_scoring_agree_with_flex() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 24);
    let config = config(&["training.epochs=2", "ensemble.members=1", "model.hidden=4"]);
    let train_on = |device: &ChosenDevice, name: &str| -> Run {
        let out = folder.path().join(name);
        let request = TrainRequest { data: &data, config: &config, device, out: &out, start: Start::Fresh, from: None };
        train(&request, &Unwatched).expect("it trains")
    };
    let flex = ChosenDevice::flex();
    let wgpu = choose(DeviceChoice::Backend(Backend::Wgpu), &Work::Unknown).expect("an adapter that computes right");
    let (on_flex, on_wgpu) = (train_on(&flex, "flex"), train_on(&wgpu, "wgpu"));
    assert_eq!(on_wgpu.manifest().device.backend, Backend::Wgpu);

    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let expected = Forecasts::compute(&on_flex, &data, &everyone, &flex).expect("it forecasts");
    // Trained there and forecast there; trained here and forecast there.
    for run in [&on_wgpu, &on_flex] {
        let found = Forecasts::compute(run, &data, &everyone, &wgpu).expect("it forecasts");
        for row in 0..everyone.len() {
            for week in CutOff::up_to(found.last_cut_off()) {
                let difference = (found.logit(row, week) - expected.logit(row, week)).abs();
                assert!(difference < TOLERANCE, "row {row}, week {week}: {difference}");
            }
        }
    }
    let evaluate = |run: &Run, device: &ChosenDevice| {
        let request = EvaluateRequest::new(&data, device);
        evaluate(run, &request).expect("it evaluates").evaluation.cohorts.all
    };
    let (here, there) = (evaluate(&on_flex, &flex), evaluate(&on_wgpu, &wgpu));
    assert_eq!(here.n, there.n);
    let difference = here.brier.value().expect("rows") - there.brier.value().expect("rows");
    assert!(difference.abs() < 1e-3, "{difference}");
    let scores = score(&on_wgpu, &data, &ScoreRequest::new(cut_off(3), &wgpu)).expect("it scores");
    assert!(scores.iter().any(|row| row.rank == Some(1)));
}

/// Two devices on one adapter: by its kind, and as the default. Each has memory, queue and kernels of its own.
#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn two_devices_give_the_forecasts_of_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 24);
    let config = config(&["training.epochs=2", "ensemble.members=4", "model.hidden=4"]);
    let one = choose(DeviceChoice::Backend(Backend::Wgpu), &Work::Unknown).expect("an adapter that computes right");
    let default = Device::wgpu(DeviceKind::DefaultDevice);
    assert_ne!(*one.device(), default);
    let two = one.clone().beside([ChosenDevice::opened(one.info.clone(), default).expect("the same adapter")]);
    let train_on = |device: &ChosenDevice, name: &str| {
        let out = folder.path().join(name);
        let request = TrainRequest { data: &data, config: &config, device, out: &out, start: Start::Fresh, from: None };
        train(&request, &Unwatched).expect("it trains");
        bytes_of(&out)
    };
    let on_one = train_on(&one, "one");
    assert!(on_one.contains_key("model.safetensors"));
    assert_eq!(on_one, train_on(&two, "two"));
}

#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn devices_are_taken_by_number_or_all() {
    let wgpu = |numbers| choose(DeviceChoice::Devices(Backend::Wgpu, numbers), &Work::Unknown);
    let first = wgpu(Numbers::Set(1)).expect("an adapter that computes right");
    assert_eq!(first.info.backend, Backend::Wgpu);
    assert!(wgpu(Numbers::All).expect("an adapter that computes right").each().count() >= 1);
    let message = wgpu(Numbers::Set(1 << 63)).expect_err("nobody has so many").to_string();
    assert!(message.contains("wgpu has no device 63"), "{message}");
}

/// Polls `future` until it is ready; those of native graphics libraries are at once.
fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        std::thread::yield_now();
    }
}

/// Opens Vulkan's adapters, of which CubeCL lists one where they are software; twice the only one where there is one.
fn two_adapters() -> [ChosenDevice; 2] {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::VULKAN,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = wait_for(instance.enumerate_adapters(wgpu::Backends::VULKAN));
    let (first, last) = (adapters.first().expect("an adapter"), adapters.last().expect("an adapter"));
    [first, last].map(|adapter| {
        let wanted = wgpu::DeviceDescriptor {
            required_features: adapter.features().difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
            required_limits: adapter.limits(),
            // SAFETY: shaders are passed through by the SPIR-V compiler alone, which is not part of builds that test.
            experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = wait_for(adapter.request_device(&wanted)).expect("it opens");
        let (instance, adapter, backend) = (instance.clone(), adapter.clone(), wgpu::Backend::Vulkan);
        let name = adapter.get_info().name;
        let setup = WgpuSetup { instance, adapter, device, queue, backend };
        let device = try_init_device(setup, RuntimeOptions::default()).expect("it computes");
        let WgpuDeviceKind::Existing(number) = device.kind else { panic!("{device:?}") };
        let info = DeviceInfo { backend: Backend::Wgpu, name, hardware: Hardware::Software };
        ChosenDevice::opened(info, Device::wgpu(DeviceKind::Existing(number))).expect("it computes right")
    })
}

/// With `VK_DRIVER_FILES` naming two drivers (lavapipe's and SwiftShader's), their adapters differ.
#[test]
#[ignore = "needs a Vulkan adapter; scripts/test runs it"]
fn networks_trained_on_two_adapters_agree_with_flex() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = dataset(4, 24);
    let config = config(&["training.epochs=2", "ensemble.members=4", "model.hidden=4"]);
    let train_on = |device: &ChosenDevice, name: &str| {
        let out = folder.path().join(name);
        let request = TrainRequest { data: &data, config: &config, device, out: &out, start: Start::Fresh, from: None };
        train(&request, &Unwatched).expect("it trains")
    };
    let [one, other] = two_adapters();
    let (first, second) = (one.info.clone(), other.info.clone());
    let flex = ChosenDevice::flex();
    let (here, there) = (train_on(&flex, "flex"), train_on(&one.beside([other]), "two"));
    assert_eq!(there.manifest().device, first);
    let others = if first == second { vec![] } else { vec![second] };
    assert_eq!(there.manifest().other_devices, others);
    let everyone: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let [expected, found] =
        [&here, &there].map(|run| Forecasts::compute(run, &data, &everyone, &flex).expect("it forecasts"));
    for row in 0..everyone.len() {
        for week in CutOff::up_to(found.last_cut_off()) {
            let difference = (found.logit(row, week) - expected.logit(row, week)).abs();
            assert!(difference < TOLERANCE, "row {row}, week {week}: {difference}");
        }
    }
}
