//! Many short texts, one after the other.

/// Holds texts, each behind its length.
#[derive(Debug, Default)]
pub(super) struct ByteTexts {
    bytes: Vec<u8>,
}

/// Stands in place of a length of a byte: the length follows in eight.
const LONG: u8 = u8::MAX;

impl ByteTexts {
    /// Adds a text. Returns where it begins, in 40 bits.
    pub(super) fn push(&mut self, text: &[u8]) -> [u8; 5] {
        let [a, b, c, d, e, rest @ ..] = (self.bytes.len() as u64).to_le_bytes();
        assert_eq!(rest, [0; 3], "names take less than a terabyte");
        match u8::try_from(text.len()) {
            Ok(length) if length < LONG => self.bytes.push(length),
            _ => {
                self.bytes.push(LONG);
                self.bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text);
        [a, b, c, d, e]
    }

    /// Returns the text that begins there.
    pub(super) fn get(&self, [a, b, c, d, e]: [u8; 5]) -> &[u8] {
        let text = &self.bytes[u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]) as usize..];
        match text[0] {
            LONG => {
                let length = u64::from_le_bytes(*text[1..].first_chunk().expect("lengths are whole"));
                &text[9..][..length as usize]
            }
            length => &text[1..][..usize::from(length)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_length_come_back() {
        let mut texts = ByteTexts::default();
        let all: Vec<Vec<u8>> = [0, 1, 254, 255, 256, 70_000, 3].map(|length| vec![b'x'; length]).to_vec();
        let places: Vec<[u8; 5]> = all.iter().map(|text| texts.push(text)).collect();
        assert!(places.into_iter().zip(&all).all(|(place, text)| texts.get(place) == text));
    }
}
