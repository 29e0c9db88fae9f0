//! Checksums of records.

use serde::Serialize;

/// Returns the checksum of a record's JSON form, in hexadecimal. A field that is to hold it is empty meanwhile.
pub(crate) fn digest(record: &impl Serialize) -> String {
    let text = serde_json::to_vec(record).expect("records have a JSON form");
    blake3::hash(&text).to_hex().to_string()
}
