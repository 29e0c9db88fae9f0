//! From layers to a model.

use prost::Message;

use super::proto::{
    Attribute, Dimension, Extent, FLOAT, Graph, INT32, INT64, Model, Node, OperatorSet, Shape, Tensor, TensorType,
    Type, ValueInfo, attribute_type,
};
use super::{Dense, OnnxInputs, gates_to_onnx};
use crate::weights::{PlainLayer, transposed};

/// Numbers the first version of the operator set whose `LSTM` is the present one.
const OPERATOR_SET: i64 = 14;
/// Numbers the first version of the format that came with that operator set.
const IR_VERSION: i64 = 7;

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: values.to_vec(), r#type: attribute_type::INTS, ..Attribute::default() }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), i: value, r#type: attribute_type::INT, ..Attribute::default() }
}

fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), s: value.into(), r#type: attribute_type::STRING, ..Attribute::default() }
}

fn node(kind: &str, inputs: &[&str], outputs: &[&str], attribute: Vec<Attribute>) -> Node {
    Node {
        input: inputs.iter().map(ToString::to_string).collect(),
        output: outputs.iter().map(ToString::to_string).collect(),
        name: format!("{kind}_{}", outputs[0]),
        op_type: kind.into(),
        attribute,
        domain: String::new(),
    }
}

fn floats(name: &str, dims: &[usize], values: &[f32]) -> Tensor {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dims = dims.iter().map(|&size| size as i64).collect();
    Tensor { dims, data_type: FLOAT, name: name.into(), raw_data, ..Tensor::default() }
}

fn whole(name: &str, values: &[i64]) -> Tensor {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { dims: vec![values.len() as i64], data_type: INT64, name: name.into(), raw_data, ..Tensor::default() }
}

/// Describes a size of an input or output: given, or as it comes.
enum Size<'a> {
    Fixed(usize),
    Free(&'a str),
}

fn value(name: &str, elem_type: i32, sizes: &[Size<'_>]) -> ValueInfo {
    let extent = |size: &Size<'_>| match size {
        Size::Fixed(size) => Extent::Value(*size as i64),
        Size::Free(name) => Extent::Name((*name).into()),
    };
    let dim = sizes.iter().map(|size| Dimension { value: Some(extent(size)) }).collect();
    let tensor_type = Some(TensorType { elem_type, shape: Some(Shape { dim }) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type }) }
}

/// Returns the weights of one node, both directions one after the other: `W`, `R` and `B` of the specification.
fn weights(name: &str, directions: &[&PlainLayer]) -> [Tensor; 3] {
    let PlainLayer { features, hidden, .. } = *directions[0];
    let (count, width) = (directions.len(), 4 * hidden);
    let (mut w, mut r, mut b) = (Vec::new(), Vec::new(), Vec::new());
    for layer in directions {
        w.extend(gates_to_onnx(&transposed(&layer.w_ih, features, width), hidden));
        r.extend(gates_to_onnx(&transposed(&layer.w_hh, hidden, width), hidden));
        // The bias of the input, then that of the output before, which is zero.
        b.extend(gates_to_onnx(&layer.bias, hidden));
        b.extend(std::iter::repeat_n(0.0, width));
    }
    [
        floats(&format!("{name}_W"), &[count, width, features], &w),
        floats(&format!("{name}_R"), &[count, width, hidden], &r),
        floats(&format!("{name}_B"), &[count, 2 * width], &b),
    ]
}

/// Returns the bytes of a model of these layers; `reverse` is empty or as long as `layers`.
pub(super) fn model(layers: &[PlainLayer], reverse: &[PlainLayer], inputs: OnnxInputs) -> Vec<u8> {
    let (features, hidden) = (layers[0].features, layers[0].hidden);
    let directions = if reverse.is_empty() { 1 } else { 2 };
    let states = directions * layers.len();
    let (batch, steps) = (|| Size::Free("batch"), || Size::Free("steps"));
    let state = |name: &str| value(name, FLOAT, &[Size::Fixed(states), batch(), Size::Fixed(hidden)]);

    let mut graph = Graph { name: "lstm".into(), ..Graph::default() };
    graph.input.push(value("x", FLOAT, &[batch(), steps(), Size::Fixed(features)]));
    if inputs.lengths {
        graph.input.push(value("lengths", INT32, &[batch()]));
    }
    if inputs.state {
        graph.input.extend([state("initial_hidden"), state("initial_cell")]);
        graph.initializer.push(whole("state_axis", &[0]));
    }
    graph.output.push(value("outputs", FLOAT, &[batch(), steps(), Size::Fixed(directions * hidden)]));
    graph.output.extend([state("hidden"), state("cell")]);
    graph.initializer.push(whole("joined", &[0, 0, (directions * hidden) as i64]));

    // Runtimes know the time-first layout best, so batches are turned around at both ends of the stack.
    graph.node.push(node("Transpose", &["x"], &["sequence_0"], vec![ints("perm", &[1, 0, 2])]));
    let (mut last_hidden, mut last_cell) = (Vec::new(), Vec::new());
    for (index, layer) in layers.iter().enumerate() {
        let name = format!("layer_{index}");
        let both: Vec<&PlainLayer> = std::iter::once(layer).chain(reverse.get(index)).collect();
        let parameters = weights(&name, &both);
        let named = |part: &str| format!("{name}_{part}");
        let (mut first_hidden, mut first_cell) = (String::new(), String::new());
        if inputs.state {
            let (from, to) = (named("state_from"), named("state_to"));
            let at = (index * directions) as i64;
            graph.initializer.extend([whole(&from, &[at]), whole(&to, &[at + directions as i64])]);
            (first_hidden, first_cell) = (named("initial_hidden"), named("initial_cell"));
            for (whole, part) in [("initial_hidden", &first_hidden), ("initial_cell", &first_cell)] {
                graph.node.push(node("Slice", &[whole, &from, &to, "state_axis"], &[part], Vec::new()));
            }
        }
        let sequence = format!("sequence_{index}");
        let lengths = if inputs.lengths { "lengths" } else { "" };
        let read = [&sequence, &parameters[0].name, &parameters[1].name, &parameters[2].name];
        let mut read: Vec<&str> = read.into_iter().map(String::as_str).collect();
        read.extend([lengths, &first_hidden, &first_cell]);
        while read.last() == Some(&"") {
            read.pop();
        }
        let (y, y_h, y_c) = (named("Y"), named("Y_h"), named("Y_c"));
        let direction = if directions == 2 { "bidirectional" } else { "forward" };
        let attributes = vec![int("hidden_size", hidden as i64), text("direction", direction)];
        graph.node.push(node("LSTM", &read, &[&y, &y_h, &y_c], attributes));
        // [steps, directions, batch, hidden]: the directions of a step go side by side.
        let is_last = index + 1 == layers.len();
        let (turned, to) = (named("turned"), format!("sequence_{}", index + 1));
        let perm: &[i64] = if is_last { &[2, 0, 1, 3] } else { &[0, 2, 1, 3] };
        graph.node.push(node("Transpose", &[&y], &[&turned], vec![ints("perm", perm)]));
        let to = if is_last { "outputs" } else { to.as_str() };
        graph.node.push(node("Reshape", &[&turned, "joined"], &[to], Vec::new()));
        graph.initializer.extend(parameters);
        last_hidden.push(y_h);
        last_cell.push(y_c);
    }
    for (parts, whole) in [(last_hidden, "hidden"), (last_cell, "cell")] {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        graph.node.push(node("Concat", &parts, &[whole], vec![int("axis", 0)]));
    }
    encoded(graph)
}

/// Returns the bytes of a model of several stacks of one input, each with a head, whose outputs are averaged.
pub(super) fn ensemble(members: &[(Vec<PlainLayer>, &[Dense])]) -> Vec<u8> {
    let (batch, steps) = (|| Size::Free("batch"), || Size::Free("steps"));
    let features = members[0].0[0].features;
    let mut graph = Graph { name: "ensemble".into(), ..Graph::default() };
    graph.input.push(value("x", FLOAT, &[batch(), steps(), Size::Fixed(features)]));
    graph.node.push(node("Transpose", &["x"], &["steps_first"], vec![ints("perm", &[1, 0, 2])]));
    graph.initializer.push(whole("direction_axis", &[1]));
    let mut ends = Vec::new();
    let mut width = 0;
    for (number, (layers, head)) in members.iter().enumerate() {
        let mut from = "steps_first".to_owned();
        for (index, layer) in layers.iter().enumerate() {
            let name = format!("member_{number}_layer_{index}");
            let [w, r, b] = weights(&name, &[layer]);
            let read = [from.as_str(), &w.name, &r.name, &b.name];
            let outputs = format!("{name}_Y");
            let attributes = vec![int("hidden_size", layer.hidden as i64), text("direction", "forward")];
            graph.node.push(node("LSTM", &read, &[&outputs], attributes));
            from = format!("{name}_outputs");
            // [steps, 1, batch, hidden] without the direction.
            graph.node.push(node("Squeeze", &[&outputs, "direction_axis"], &[&from], Vec::new()));
            graph.initializer.extend([w, r, b]);
            width = layer.hidden;
        }
        for (index, dense) in head.iter().enumerate() {
            let name = format!("member_{number}_dense_{index}");
            let outputs = dense.bias.len();
            assert_eq!(dense.weight.len(), width * outputs, "a layer fits on the one before");
            let (weight, bias) = (format!("{name}_weight"), format!("{name}_bias"));
            graph.initializer.push(floats(&weight, &[width, outputs], &dense.weight));
            graph.initializer.push(floats(&bias, &[outputs], &dense.bias));
            let (product, sum) = (format!("{name}_product"), format!("{name}_sum"));
            graph.node.push(node("MatMul", &[&from, &weight], &[&product], Vec::new()));
            graph.node.push(node("Add", &[&product, &bias], &[&sum], Vec::new()));
            from = sum;
            if dense.relu {
                let positive = format!("{name}_positive");
                graph.node.push(node("Relu", &[&from], &[&positive], Vec::new()));
                from = positive;
            }
            width = outputs;
        }
        ends.push(from);
    }
    let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
    graph.node.push(node("Mean", &ends, &["mean"], Vec::new()));
    graph.node.push(node("Transpose", &["mean"], &["outputs"], vec![ints("perm", &[1, 0, 2])]));
    graph.output.push(value("outputs", FLOAT, &[batch(), steps(), Size::Fixed(width)]));
    encoded(graph)
}

fn encoded(graph: Graph) -> Vec<u8> {
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPERATOR_SET }],
    };
    model.encode_to_vec()
}
