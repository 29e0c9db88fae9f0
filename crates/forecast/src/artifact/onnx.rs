//! A run's networks as one ONNX model.

use burn::tensor::Device;

use super::error::RunError;
use super::run::Run;
use crate::model_kind::{ModelKind, SingleModel};
use crate::models::network::Network;
use crate::models::trained::MemberModel;

/// Writes a run's networks as one ONNX model. Input: `x [batch, weeks, inputs]`, scaled by `scaler.json`. Output:
/// `outputs [batch, weeks, 1]`, the mean logit at the end of each week, to which `calibration.json` belongs.
///
/// # Errors
/// When the run is a cross-validation, or forecasts with something else than networks.
pub fn export_onnx(run: &Run) -> Result<Vec<u8>, RunError> {
    let model = run.model()?;
    let kind = run.manifest().model;
    let networks = model.parts.get(&SingleModel::Lstm).filter(|_| kind == ModelKind::Lstm);
    let networks = networks.ok_or(RunError::NoNetwork(kind))?;
    let device = Device::flex();
    let networks: Vec<Network> = networks
        .iter()
        .filter_map(|member| match member {
            MemberModel::Network(parameters) => {
                let network = Network::new(&run.config().network, model.inputs.width(), 0, &device);
                Some(network.with_parameters(parameters.clone()))
            }
            MemberModel::Baseline(_) => None,
        })
        .collect();
    let members: Vec<_> = networks.iter().map(|network| (network.lstm(), network.head())).collect();
    Ok(staycast_lstm::onnx::export_ensemble(&members).expect("the networks have no layer normalisation"))
}
