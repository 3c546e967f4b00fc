//! Head office over HTTPS: enrolment, and fetching a package. The adapter of this module to that.
//!
//! No redirect is followed, and no answer is read to its end that is longer than it may be.

use std::error::Error;
use std::io;
use std::time::Duration;

/// A host that does not answer in this time is not there.
const CONNECT: Duration = Duration::from_secs(20);
/// A connection that brings nothing for this long is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// Why head office was not reached, or its answer is not taken.
#[derive(Debug, thiserror::Error)]
pub enum HttpsError {
    /// The file with authorities is none.
    #[error("the file with the authority cannot be used ({0}); give certificates in PEM")]
    Authority(String),
    /// No connection came about, or it broke.
    #[error("{0}")]
    Connection(String),
    /// An answer that is longer than it may be.
    #[error("the answer has more than {0} bytes, which none has that is meant for a box")]
    TooLong(u64),
    /// What was fetched cannot be written.
    #[error("what is fetched cannot be written: {0}")]
    Write(io::Error),
    /// The system gives no event loop.
    #[error("the connection cannot be made: {0}")]
    System(#[from] io::Error),
}

/// A client with the system's authorities, and perhaps others.
pub struct Https {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Https {
    /// One that also takes these authorities (PEM).
    ///
    /// # Errors
    /// [`HttpsError::Authority`], or where the system gives no event loop.
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, HttpsError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        if let Some(pem) = authorities {
            let all = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|fault| HttpsError::Authority(fault.to_string()))?;
            if all.is_empty() {
                return Err(HttpsError::Authority("it holds none".to_owned()));
            }
            builder = all.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        let client = builder.build().map_err(|fault| HttpsError::Connection(words(fault)))?;
        Ok(Self { client, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()? })
    }

    /// Posts JSON; gives status and body, of at most `most` bytes.
    ///
    /// # Errors
    /// [`HttpsError`].
    pub fn post(&self, address: &str, json: String, most: u64) -> Result<(u16, Vec<u8>), HttpsError> {
        let request = self.client.post(address).header("content-type", "application/json").body(json);
        let mut body = Vec::new();
        let status = self.runtime.block_on(ask(request, most, |part| {
            body.extend_from_slice(part);
            Ok(())
        }))?;
        Ok((status, body))
    }

    /// Fetches at most `most` bytes, handing them to `write` as they come; gives the status.
    ///
    /// # Errors
    /// [`HttpsError`].
    pub fn fetch(
        &self,
        address: &str,
        most: u64,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u16, HttpsError> {
        self.runtime.block_on(ask(self.client.get(address), most, write))
    }
}

async fn ask(
    request: reqwest::RequestBuilder,
    most: u64,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<u16, HttpsError> {
    let broken = |fault| HttpsError::Connection(words(fault));
    let mut answer = request.send().await.map_err(broken)?;
    let mut got = 0_u64;
    while let Some(part) = answer.chunk().await.map_err(broken)? {
        got = got.saturating_add(part.len() as u64);
        if got > most {
            return Err(HttpsError::TooLong(most));
        }
        write(&part).map_err(HttpsError::Write)?;
    }
    Ok(answer.status().as_u16())
}

/// What went wrong and what to do, without the address, which may hold a token.
fn words(fault: reqwest::Error) -> String {
    let fault = fault.without_url();
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    let advice = advice(&text);
    format!("head office is not reached ({text}); {advice}")
}

fn advice(text: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["NotValidYet", "not valid yet", "Expired", "expired"]) {
        "the clock of this box may be wrong: set it (`timedatectl`), and try again"
    } else if has(&["UnknownIssuer"]) {
        "give the authority that signed its certificate with --ca FILE"
    } else if has(&["NotValidForName", "not valid for name"]) {
        "its certificate is for another name: use the address that stands in the certificate"
    } else {
        "check the address, and that this box has a network"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_connection_says_what_to_do() {
        assert!(advice("invalid peer certificate: certificate expired").contains("clock"));
        assert!(advice("invalid peer certificate: UnknownIssuer").contains("--ca"));
        assert!(advice("Connection refused (os error 111)").contains("network"));
    }

    #[test]
    fn a_head_office_that_is_not_there_is_named_without_its_address() {
        let https = Https::new(None).unwrap();
        let fault =
            https.post("http://127.0.0.1:1/enrol?token=secret", String::new(), 10).unwrap_err().to_string();
        assert!(fault.contains("refused") && !fault.contains("secret"), "{fault}");
    }

    #[test]
    fn a_file_without_an_authority_is_none() {
        assert!(matches!(Https::new(Some(b"hello")), Err(HttpsError::Authority(_))));
    }
}
