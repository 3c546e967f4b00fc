//! Arguments of `footfall enrol`.

use clap::Args;
use std::path::PathBuf;

pub(super) const EXAMPLE: &str = "Examples:\n  \
    footfall enrol https://hq.example.org/enrol#ffen_... --out /etc/footfall/identity\n  \
    footfall enrol --qr link.jpg --out /etc/footfall/identity\n\n\
    Then put `[fleet]` with `identity = \"/etc/footfall/identity\"` into the config file.";

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
