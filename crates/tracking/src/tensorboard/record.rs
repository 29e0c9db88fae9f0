//! TensorFlow's record framing, of which event files are made.
//!
//! Source: "TFRecords format details" in TensorFlow's tutorial "TFRecord and tf.train.Example"
//! (<https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>):
//!
//! | bytes | holds, little-endian |
//! |---|---|
//! | 8 | length of the data |
//! | 4 | masked CRC-32C of these 8 bytes |
//! | length | data |
//! | 4 | masked CRC-32C of the data |

use std::io::{self, Write};

/// Computes `((crc >> 15) | (crc << 17)) + 0xa282ead8`, modulo 2³²: a checksum of data that holds checksums would be a
/// weak one.
pub(super) fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Writes `data` as one record.
pub(super) fn write_record(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked_crc32c(&length).to_le_bytes())?;
    out.write_all(data)?;
    out.write_all(&masked_crc32c(data).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720 (iSCSI), appendix B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn a_record_is_length_checksum_data_checksum() {
        let mut bytes = Vec::new();
        write_record(&mut bytes, b"week").expect("memory");
        assert_eq!(bytes.len(), 8 + 4 + 4 + 4);
        assert_eq!(bytes[..8], 4_u64.to_le_bytes());
        assert_eq!(bytes[8..12], masked_crc32c(&4_u64.to_le_bytes()).to_le_bytes());
        assert_eq!(&bytes[12..16], b"week");
        assert_eq!(bytes[16..], masked_crc32c(b"week").to_le_bytes());
    }
}
