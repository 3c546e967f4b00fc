//! Arguments of `footfall enrol`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Examples:\n  \
    sudo -u footfall footfall enrol https://hq.example.org/enrol#ffen_... --out /var/lib/footfall/identity\n  \
    sudo -u footfall footfall enrol --qr link.jpg --out /var/lib/footfall/identity\n\n\
    The service writes there when the certificate is renewed: a folder below /etc does not do.\n\
    Then put `[fleet]` with `identity = \"/var/lib/footfall/identity\"` into the config file.";

/// `footfall enrol`.
#[derive(Clone, PartialEq, Eq, Args)]
pub struct EnrolArgs {
    /// The link that head office shows: https://HQ/enrol#TOKEN
    #[arg(value_name = "LINK", required_unless_present = "qr", conflicts_with = "qr")]
    pub link: Option<String>,
    /// Read the link from a picture of its QR code (JPEG or PNG)
    #[arg(long, value_name = "PICTURE")]
    pub qr: Option<PathBuf>,
    /// The folder for key, certificate and identity; made where it is not there
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Authorities (PEM) that head office's certificate may be of, beside those of the system
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

impl std::fmt::Debug for EnrolArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolArgs").field("out", &self.out).finish_non_exhaustive()
    }
}
