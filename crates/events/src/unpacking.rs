//! Unpacks gzip and Zstandard, piece by piece: files are written one packed piece after another, padded with zero bytes by
//! tapes and copies of blocks, and cut.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Says why a packed file can't be unpacked to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    /// It ends before what is packed in it does.
    #[error("it is cut short")]
    Cut,
    /// Something else than packed bytes or zeros stands after what is packed in it.
    #[error("what stands after its packed part is not packed")]
    NotPacked,
    /// The packed bytes are not as they were written.
    #[error("it is damaged ({0})")]
    Damaged(io::Error),
}

/// Unpacks one piece after another.
pub(crate) struct Unpacked<P: Piece> {
    state: State<P>,
}

enum State<P: Piece> {
    /// In a piece.
    Inside(P),
    /// Between two pieces.
    Between(P::Inner),
    /// At the end of the file, or after an error.
    Ended,
}

/// Unpacks one piece of a packed file.
pub(crate) trait Piece: Read + Sized {
    /// What the packed bytes come from.
    type Inner: BufRead;

    /// Begins to unpack a piece.
    fn begin(inner: Self::Inner) -> io::Result<Self>;

    /// Returns where the packed bytes come from, at the end of the piece.
    fn end(self) -> Self::Inner;

    /// Lends the same.
    fn inner(&mut self) -> &mut Self::Inner;

    /// Tells whether a piece begins with these bytes, of which there is at least one.
    fn may_begin_with(bytes: &[u8]) -> bool;
}

impl<R: BufRead> Piece for GzDecoder<R> {
    type Inner = R;

    fn begin(inner: R) -> io::Result<Self> {
        Ok(Self::new(inner))
    }

    fn end(self) -> R {
        self.into_inner()
    }

    fn inner(&mut self) -> &mut R {
        self.get_mut()
    }

    fn may_begin_with(bytes: &[u8]) -> bool {
        bytes[0] == 0x1f
    }
}

impl<R: BufRead> Piece for zstd::Decoder<'static, R> {
    type Inner = R;

    fn begin(inner: R) -> io::Result<Self> {
        Ok(Self::with_buffer(inner)?.single_frame())
    }

    fn end(self) -> R {
        self.finish()
    }

    fn inner(&mut self) -> &mut R {
        self.get_mut()
    }

    fn may_begin_with(bytes: &[u8]) -> bool {
        // A frame, or one that is to be skipped.
        bytes[0] == 0x28 || (0x50..0x60).contains(&bytes[0])
    }
}

impl<P: Piece> Unpacked<P> {
    /// Unpacks what `inner` gives.
    pub(crate) fn new(inner: P::Inner) -> io::Result<Self> {
        Ok(Self { state: State::Inside(P::begin(inner)?) })
    }
}

impl<P: Piece> Read for Unpacked<P> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Inside(mut piece) => match piece.read(out) {
                    Ok(0) => self.state = State::Between(piece.end()),
                    Ok(count) => {
                        self.state = State::Inside(piece);
                        return Ok(count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                        self.state = State::Inside(piece);
                        return Err(error);
                    }
                    Err(error) => return Err(fault(error, piece.inner())),
                },
                State::Between(mut inner) => {
                    skip_zeros(&mut inner)?;
                    let next = inner.fill_buf()?;
                    if next.is_empty() {
                        return Ok(0);
                    }
                    if !P::may_begin_with(next) {
                        return Err(io::Error::other(UnpackError::NotPacked));
                    }
                    self.state = State::Inside(P::begin(inner)?);
                }
                State::Ended => return Ok(0),
            }
        }
    }
}

/// Returns what is wrong with a piece. Errors of the disk stay as they are.
fn fault(error: io::Error, inner: &mut impl BufRead) -> io::Error {
    let at_end = inner.fill_buf().is_ok_and(<[u8]>::is_empty);
    match error.kind() {
        io::ErrorKind::UnexpectedEof if at_end => io::Error::other(UnpackError::Cut),
        io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidData
        | io::ErrorKind::Other
        | io::ErrorKind::UnexpectedEof => io::Error::other(UnpackError::Damaged(error)),
        _ => error,
    }
}

fn skip_zeros(inner: &mut impl BufRead) -> io::Result<()> {
    loop {
        let here = inner.fill_buf()?;
        let zeros = here.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(());
        }
        inner.consume(zeros);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstandard(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 1).unwrap()
    }

    fn read(mut stream: impl Read) -> (Vec<u8>, Option<String>) {
        let mut out = Vec::new();
        let error = stream.read_to_end(&mut out).err().map(|error| error.to_string());
        (out, error)
    }

    fn check(packed: &[u8], zst: bool, expected: &[u8], fault: Option<&str>) {
        for size in [1, 3, 1 << 12] {
            let disk = BufReader::with_capacity(size, packed);
            let (out, error) = match zst {
                false => read(Unpacked::<GzDecoder<_>>::new(disk).unwrap()),
                true => read(Unpacked::<zstd::Decoder<_>>::new(disk).unwrap()),
            };
            assert_eq!(error.as_deref().map(|error| error.split(" (").next().unwrap()), fault, "{zst} {size}");
            match fault {
                None => assert_eq!(out, expected, "{zst} {size}"),
                Some(_) => assert!(expected.starts_with(&out), "{zst} {size}"),
            }
        }
    }

    #[test]
    fn pieces_one_after_another_padded_with_zeros() {
        for (zst, pack) in [(false, gzip as fn(&[u8]) -> Vec<u8>), (true, zstandard)] {
            let (one, two) = (pack(b"one\n"), pack(b"two\n"));
            for zeros in [0_usize, 1, 7, 512, 70_000] {
                let padding = vec![0; zeros];
                check(&[one.clone(), padding.clone()].concat(), zst, b"one\n", None);
                let both = [one.clone(), padding.clone(), two.clone(), padding].concat();
                check(&both, zst, b"one\ntwo\n", None);
            }
            check(&pack(b""), zst, b"", None);
            check(
                &[one.clone(), b"\nmore".to_vec()].concat(),
                zst,
                b"one\n",
                Some("what stands after its packed part is not packed"),
            );
        }
    }

    #[test]
    fn cut_anywhere_is_said_to_be_cut() {
        let text: Vec<u8> = (0..400_u32).flat_map(|number| (number * number % 977).to_string().into_bytes()).collect();
        for (zst, pack) in [(false, gzip as fn(&[u8]) -> Vec<u8>), (true, zstandard)] {
            let (one, two) = (pack(&text), pack(b"two\n"));
            let expected = [text.clone(), b"two\n".to_vec()].concat();
            for end in (4..one.len()).step_by(7).chain([one.len() - 1]) {
                check(&one[..end], zst, &text, Some("it is cut short"));
            }
            let both = [one.clone(), two].concat();
            for end in one.len() + 1..both.len() {
                check(&both[..end], zst, &expected, Some("it is cut short"));
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_damage() {
        let mut packed = gzip(b"one\n");
        let place = packed.len() - 6;
        packed[place] ^= 1;
        check(&packed, false, b"one\n", Some("it is damaged"));
    }
}
