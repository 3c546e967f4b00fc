//! Lines of text from a stranger: numbered, limited in length, checked to be text.

use super::RecordingError;
use std::io::{BufRead, Read};

/// A frame of ten thousand people takes some 600 kB of JSON.
const MOST_BYTES: usize = 1 << 20;

/// Reads one line after another, and never holds more than one.
#[derive(Debug)]
pub(super) struct NumberedLines<R> {
    from: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> NumberedLines<R> {
    pub(super) const fn new(from: R) -> Self {
        Self { from, number: 0, line: Vec::new() }
    }

    /// The next line that holds anything, trimmed, and its number from 1; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, &str)>, RecordingError> {
        loop {
            self.number += 1;
            self.line.clear();
            let mut limited = (&mut self.from).take(MOST_BYTES as u64 + 1);
            let read = limited.read_until(b'\n', &mut self.line);
            read.map_err(|source| RecordingError::Read { line: self.number, source })?;
            if self.line.is_empty() {
                return Ok(None);
            }
            if self.line.len() > MOST_BYTES {
                return Err(RecordingError::TooLong { line: self.number, most: MOST_BYTES });
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let not_text = |_| RecordingError::NotText { line: self.number };
        let text = std::str::from_utf8(&self.line).map_err(not_text)?;
        // Some editors put this mark in front of a file.
        Ok(Some((self.number, text.trim_start_matches('\u{feff}').trim())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: &[&str]) {
        let mut lines = NumberedLines::new(bytes);
        let mut told = Vec::new();
        loop {
            match lines.next() {
                Ok(Some((number, text))) => told.push(format!("{number}:{text}")),
                Ok(None) => break,
                Err(fault) => {
                    told.push(fault.to_string());
                    break;
                }
            }
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn empty_lines_are_passed_over_and_counted() {
        check(b"\xEF\xBB\xBFa\r\n\n  \nb", &["1:a", "4:b"]);
        check(b"", &[]);
    }

    #[test]
    fn what_is_no_text_or_too_long_names_its_line() {
        check(b"a\n\xFF\xFE\n", &["1:a", "line 2 is not UTF-8 text; is this a file of detections?"]);
        let long = vec![b'x'; MOST_BYTES + 1];
        check(&long, &["line 1 has more than 1048576 bytes; is this a file of detections?"]);
    }
}
