//! Takes secrets out of texts: those that the box knows, and whatever looks like one.
//!
//! Two nets, because each has holes. What the secret files and addresses of the config file hold is known word for word and
//! goes wherever it stands. And a text is searched for what only secrets look like: user and password in a URL, what follows a `?` in
//! it, tokens, the inside of a PEM key, values behind words such as `password`.

use std::collections::BTreeSet;

/// What stands in place of a secret.
pub(super) const REMOVED: &str = "[removed]";

/// Shorter words occur in every text: taking them out everywhere would say more of them than it hides.
const LEAST_BYTES: usize = 4;

/// Words behind which a secret stands, in small letters.
const TELLTALES: [&str; 8] =
    ["password", "passwd", "pwd", "secret", "token", "authorization", "bearer", "api_key"];

/// What the tokens of this software begin with: `ff`, two letters, `_`.
const TOKEN_LENGTH: usize = 16;

/// Secrets that are known.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    known: BTreeSet<String>,
}

impl Secrets {
    /// Notes all lines of a file that holds a secret, and the whole of it.
    pub(super) fn file(&mut self, text: &str) {
        text.lines().chain([text.trim()]).for_each(|line| self.add(line.trim()));
    }

    /// Notes user, password and query of an address; as written, and with what is written as %XX spelled out.
    pub(super) fn address(&mut self, address: &str) {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        // Where both readings are possible, the password of either may stand somewhere.
        let logins = [authority(rest), with_login(rest)].map(|text| text.rsplit_once('@'));
        for (login, _) in logins.into_iter().flatten() {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            [login, user, password].into_iter().for_each(|word| self.add(word));
        }
        if let Some((_, query)) = rest.split_once('?') {
            let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
            values.chain([query]).for_each(|word| self.add(word));
        }
    }

    /// Notes a secret.
    pub(super) fn add(&mut self, word: &str) {
        for word in [word.to_owned(), spelled_out(word)] {
            if word.len() >= LEAST_BYTES {
                self.known.insert(word);
            }
        }
    }

    /// Notes what others know too.
    pub(super) fn join(&mut self, others: Self) {
        self.known.extend(others.known);
    }

    /// The text without secrets.
    pub(super) fn removed_from(&self, text: &str) -> String {
        let mut text = without_keys(text);
        // The longest first, so that no rest of a longer one stays.
        let mut known: Vec<&String> = self.known.iter().collect();
        known.sort_by_key(|word| std::cmp::Reverse(word.len()));
        for word in known {
            text = text.replace(word.as_str(), REMOVED);
        }
        text.split_inclusive('\n').map(clean_line).collect()
    }
}

/// User, password, host and port: what stands before the path.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or_default()
}

/// The same where a password holds `/`, `?` or `#`: up to the host behind the last `@` of the word. Of a path that holds an `@` that
/// takes away more than it must.
fn with_login(rest: &str) -> &str {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => &rest[..at + 1 + authority(&rest[at + 1..end]).len()],
        None => authority(rest),
    }
}

/// With `%40` as `@` and the like; what is no text then stays as it is.
fn spelled_out(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| word.to_owned())
}

/// Without what stands between the marks of a PEM key; without all that follows where its end is missing.
fn without_keys(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let is_key = |mark: &str| line.contains(mark) && line.contains("PRIVATE KEY");
        if is_key("-----BEGIN") {
            inside = true;
            kept.push_str(REMOVED);
            kept.push('\n');
        }
        if !inside {
            kept.push_str(line);
        }
        if is_key("-----END") {
            inside = false;
        }
    }
    kept
}

fn clean_line(line: &str) -> String {
    without_told(&without_tokens(&without_logins(line)))
}

/// Without user, password and query of every URL.
fn without_logins(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("://") {
        kept.push_str(before);
        kept.push_str("://");
        let host = with_login(behind);
        match host.rsplit_once('@') {
            Some((_, host_alone)) => {
                kept.push_str(REMOVED);
                kept.push('@');
                kept.push_str(host_alone);
            }
            None => kept.push_str(host),
        }
        rest = &behind[host.len()..];
        let end = rest.find([' ', '"', '\'', '\n', '\t', ',', ')']).unwrap_or(rest.len());
        let (path, after) = rest.split_at(end);
        match path.split_once(['?', '#']) {
            Some((path, _)) => {
                kept.push_str(path);
                kept.push('?');
                kept.push_str(REMOVED);
            }
            None => kept.push_str(path),
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// Without words such as `ffen_...`.
fn without_tokens(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut kept = String::with_capacity(line.len());
    let mut word = String::new();
    let flush = |word: &mut String, kept: &mut String| {
        kept.push_str(if is_token(word) { REMOVED } else { word.as_str() });
        word.clear();
    };
    for letter in line.chars() {
        if is_part(letter) {
            word.push(letter);
        } else {
            flush(&mut word, &mut kept);
            kept.push(letter);
        }
    }
    flush(&mut word, &mut kept);
    kept
}

fn is_token(word: &str) -> bool {
    let begins = word.strip_prefix("ff").and_then(|rest| rest.split_once('_'));
    let is_kind = |kind: &str| kind.len() == 2 && kind.chars().all(|c| c.is_ascii_lowercase());
    begins.is_some_and(|(kind, rest)| is_kind(kind) && rest.len() >= TOKEN_LENGTH)
}

/// Without what follows `password=`, `token: ` and the like in a line, to its end. The name of a file may stand there.
fn without_told(line: &str) -> String {
    // Letters of ASCII only are made small, so places in both are the same.
    let small = line.to_ascii_lowercase();
    let mut cut: Option<usize> = None;
    for word in TELLTALES {
        for (at, _) in small.match_indices(word) {
            let behind = &small[at + word.len()..];
            let value = behind.trim_start_matches(['"', '\'', ' ']);
            let is_told =
                value.starts_with(['=', ':']) || matches!(word, "bearer") && behind.starts_with(' ');
            if is_told {
                let end = line.len() - value.len() + usize::from(value.starts_with(['=', ':']));
                cut = Some(cut.map_or(end, |other| other.min(end)));
            }
        }
    }
    let Some(end) = cut else { return line.to_owned() };
    let newline = if line.ends_with('\n') { "\n" } else { "" };
    format!("{} {REMOVED}{newline}", line[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Secrets::default().removed_from(text), expected);
    }

    #[test]
    fn logins_and_queries_of_addresses_go_and_the_host_stays() {
        check("down: rtsp://me:pw@cam:554/1?t=9 (slow)", "down: rtsp://[removed]@cam:554/1?[removed] (slow)");
        check("rtsp://a:b@c:d@host/x and http://h/p", "rtsp://[removed]@host/x and http://h/p");
        for password in ["pa/ss", "pa?ss", "pa#ss"] {
            let address = format!("rtsp://viewer:{password}@10.0.0.7/main");
            check(&format!("{address} is down"), "rtsp://[removed]@10.0.0.7/main is down");
            let mut secrets = Secrets::default();
            secrets.address(&address);
            assert_eq!(secrets.removed_from(&format!("viewer, {password}")), "[removed], [removed]");
        }
        check("see https://hq/enrol#ffen_0123456789abcdef0", "see https://hq/enrol?[removed]");
    }

    #[test]
    fn tokens_keys_and_what_is_called_a_secret_go() {
        check("uses ffen_0123456789abcdef!", "uses [removed]!");
        check("ff_ab and ffab_short", "ff_ab and ffab_short");
        check("Password = \"x y\" # old\nnext\n", "Password = [removed]\nnext\n");
        check("Authorization: Bearer abc", "Authorization: [removed]");
        check("sent bearer abc", "sent bearer [removed]");
        check("a\n-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\nb\n", "a\n[removed]\nb\n");
        check("a\n-----BEGIN EC PRIVATE KEY-----\nMC4\n", "a\n[removed]\n");
    }

    #[test]
    fn an_ordinary_line_stays_as_it_is() {
        for line in [
            "camera door: up, 768x576 px\n",
            "wrong user or password for the broker",
            "2026-11-30 12:00:01Z INFO x",
        ] {
            check(line, line);
        }
    }

    #[test]
    fn what_is_known_goes_wherever_and_however_it_stands() {
        let mut secrets = Secrets::default();
        secrets.file("hunter22\nmade in May\n");
        secrets.address("rtsp://viewer:ge%40heim@cam/1?key=k9k9k9");
        let text = secrets.removed_from("xhunter22x viewer ge%40heim ge@heim k9k9k9 cam made in May");
        assert_eq!(text, "x[removed]x [removed] [removed] [removed] [removed] cam [removed]");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_known_word_stays(text in "\\PC{0,200}", word in "[a-z0-9]{8,12}", at in 0_usize..200) {
            let mut secrets = Secrets::default();
            secrets.add(&word);
            let place = text.char_indices().map(|(place, _)| place).find(|place| *place >= at).unwrap_or(text.len());
            let planted = format!("{}{word}{}", &text[..place], &text[place..]);
            prop_assert!(!secrets.removed_from(&planted).contains(&word));
        }
    }
}
