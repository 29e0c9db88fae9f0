//! Named tensors of 32-bit floats on disk: safetensors files with the same bytes for the same contents.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

use crate::files::{self, FileError};

/// Names the one entry of a file's metadata. One, since the format stores them in the order of a hash map.
const METADATA: &str = "staycast";

/// Stores tensors by name, each with its shape, and one text beside them. Equal contents give equal bytes.
pub(crate) fn save(path: &Path, tensors: Vec<(String, Vec<usize>, &[f32])>, metadata: String) -> Result<(), FileError> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, shape, values)| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| FileError::damaged(path, error))?;
    let metadata = HashMap::from([(METADATA.to_owned(), metadata)]);
    let file = serialize(views, Some(metadata)).map_err(|error| FileError::damaged(path, error))?;
    Ok(staycast_files::write(path, &file)?)
}

/// Maps names to shapes and values.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Bounds the header of a file: room for thousands of names and shapes, and for a state's history.
const MOST_HEADER_BYTES: u64 = 16 << 20;

/// Reads what [`save`] stored, of which the values take `expected` bytes.
pub(crate) fn load(path: &Path, expected: u64) -> Result<(Tensors, String), FileError> {
    let bytes = files::read_up_to(path, expected.saturating_add(MOST_HEADER_BYTES))?;
    if (bytes.len() as u64) < expected {
        let message = format!("it has {} bytes, and its values take {expected}", bytes.len());
        return Err(FileError::damaged(path, message));
    }
    decode(path, &bytes)
}

/// Reads what [`save`] stored, whatever its size.
pub(crate) fn load_any(path: &Path) -> Result<(Tensors, String), FileError> {
    decode(path, &files::read(path)?)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<(Tensors, String), FileError> {
    let damaged = |error: safetensors::SafeTensorError| FileError::damaged(path, error);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let record = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
    let record = record
        .ok_or_else(|| {
            FileError::damaged(path, format!("its metadata has no entry `{METADATA}`, which says what the tensors are"))
        })?
        .clone();
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(FileError::damaged(path, format!("`{name}` is not of 32-bit floats")));
        }
        let values = view
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("chunks of four")))
            .collect();
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok((tensors, record))
}
