//! Opening: a file or standard input, plain or packed with gzip or Zstandard, told by its first bytes.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BUFFER: usize = 256 << 10;

/// Opens a file; `-` is standard input.
///
/// # Errors
/// What the system says.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    match path.to_str() {
        Some("-") => unpacked(BufReader::with_capacity(BUFFER, io::stdin())),
        _ if path.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        _ => unpacked(BufReader::with_capacity(BUFFER, File::open(path)?)),
    }
}

/// What was packed, as it was before.
///
/// # Errors
/// What the source says.
pub fn unpacked(mut input: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    let begin = input.fill_buf()?;
    Ok(if begin.starts_with(GZIP) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input)))
    } else if begin.starts_with(ZSTD) {
        Box::new(BufReader::with_capacity(BUFFER, Frames { input, decoder: FrameDecoder::new(), within: false }))
    } else {
        Box::new(input)
    })
}

/// Zstandard's frames, one after the other.
struct Frames<R> {
    input: R,
    decoder: FrameDecoder,
    /// The decoder is inside a frame.
    within: bool,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wrong = |error: FrameDecoderError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
        loop {
            if self.within && self.decoder.can_collect() > 0 {
                return self.decoder.read(out);
            }
            if self.within && !self.decoder.is_finished() {
                self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1)).map_err(wrong)?;
                continue;
            }
            if self.input.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.within = match self.decoder.init(&mut self.input) {
                Ok(()) => true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.input).take(length.into()), &mut io::sink())?;
                    false
                }
                Err(error) => return Err(wrong(error)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn read(bytes: Vec<u8>) -> String {
        let mut text = String::new();
        unpacked(io::Cursor::new(bytes)).expect("memory opens").read_to_string(&mut text).expect("well packed");
        text
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(text.as_bytes()).expect("memory takes it");
        packed.finish().expect("memory takes it")
    }

    fn zstd(text: &str) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn packed_files_are_told_by_their_first_bytes_and_may_have_several_parts() {
        let long = "x".repeat(300_000);
        assert_eq!(read(b"plain".to_vec()), "plain");
        assert_eq!(read(vec![]), "");
        assert_eq!(read([gzip("a\n"), gzip(&long)].concat()), format!("a\n{long}"));
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        assert_eq!(read([zstd("a\n"), skipped, zstd(&long)].concat()), format!("a\n{long}"));
    }

    #[test]
    fn a_file_that_was_cut_off_is_an_error() {
        for mut bytes in [gzip("some text"), zstd("some text")] {
            bytes.truncate(bytes.len() - 3);
            let mut opened = unpacked(io::Cursor::new(bytes)).expect("memory opens");
            assert!(opened.read_to_string(&mut String::new()).is_err());
        }
    }
}
