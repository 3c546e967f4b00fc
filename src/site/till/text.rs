//! Bytes to text, in the encoding that was said and no other.
//!
//! Text in another encoding often decodes to something all the same. What then holds the replacement character or NUL
//! is put aside row by row; an accent that came out as another letter cannot be seen, which is why the encoding is
//! a setting and is not guessed.

use std::borrow::Cow;

/// How text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, with or without a mark at its begin.
    #[default]
    Utf8,
    /// UTF-16, little end first unless a mark says otherwise: what Excel calls Unicode text.
    Utf16,
    /// Windows-1252, and with it Latin-1.
    Windows1252,
}

impl Encoding {
    /// Decodes; what cannot be is U+FFFD.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 => encoding_rs::UTF_8.decode_with_bom_removal(bytes).0,
            Self::Utf16 if bytes.starts_with(&[0xfe, 0xff]) => {
                encoding_rs::UTF_16BE.decode_with_bom_removal(bytes).0
            }
            Self::Utf16 => encoding_rs::UTF_16LE.decode_with_bom_removal(bytes).0,
            Self::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        }
    }
}

/// Whether a text shows that it was decoded from something else.
pub(super) fn is_broken(text: &str) -> bool {
    text.contains(['\u{fffd}', '\0'])
}
