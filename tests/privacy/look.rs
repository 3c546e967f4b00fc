//! Looks for pictures and planted words in bytes of any kind.

/// How files and streams of pictures begin: JPEG (JFIF, Exif, and as cameras write it), PNG, WebP, GIF, and H.264 and H.265 streams.
const PICTURES: [&[u8]; 7] = [
    &[0xff, 0xd8, 0xff, 0xe0],
    &[0xff, 0xd8, 0xff, 0xe1],
    &[0xff, 0xd8, 0xff, 0xdb],
    b"\x89PNG\r\n\x1a\n",
    b"WEBPVP8",
    b"GIF89a",
    &[0, 0, 0, 1, 0x67],
];
/// The same JPEG and PNG beginnings in base64.
const IN_BASE64: [&[u8]; 4] = [b"/9j/4AAQ", b"/9j/4Q", b"/9j/2w", b"iVBORw0KGgo"];

/// What is wrong with bytes that must hold no picture and none of the words.
pub(crate) fn found_in(bytes: &[u8], planted: &[&str]) -> Option<String> {
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    if let Some(picture) = PICTURES.iter().chain(&IN_BASE64).find(|start| holds(start)) {
        return Some(format!("a picture that begins with {picture:02x?}"));
    }
    planted.iter().find(|word| holds(word.as_bytes())).map(|word| format!("the word {word:?}"))
}

#[test]
fn a_picture_and_a_planted_word_are_found_wherever_they_stand() {
    let jpeg = [b"SQLite...".as_slice(), &[0xff, 0xd8, 0xff, 0xe0], b"JFIF"].concat();
    assert!(found_in(&jpeg, &[]).is_some_and(|what| what.contains("picture")));
    assert!(found_in(br#"{"jpeg":"/9j/4AAQSkZJRg"}"#, &[]).is_some());
    assert!(found_in(br#"{"png":"iVBORw0KGgoAAAANSUhEUg"}"#, &[]).is_some());
    assert!(found_in(b"rtsp://me:hunter2@camera", &["hunter2"]).is_some_and(|what| what.contains("hunter2")));
    assert_eq!(found_in(br#"{"kind":"minute","in":3,"out":1}"#, &["hunter2"]), None);
}
