//! `footfall enrol`: how a box gets its name, its broker and its certificate from head office.

use super::cli::EnrolArgs;
use super::exit::Failure;
use crate::fleet::enrol::{self, EnrolError, Link};
use crate::time::{Clock, SystemClock};
use anyhow::Context;
use std::io::Write;
use std::path::Path;

/// Enrols this box.
///
/// # Errors
/// What is wrong with the link, the picture, the way to head office or its answer, and what to do.
pub fn enrol(args: &EnrolArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = match (&args.link, &args.qr) {
        (Some(link), _) => link.clone(),
        (None, Some(picture)) => read_qr(picture)?,
        (None, None) => return Err(Failure::Input("give a link, or --qr PICTURE".to_owned()).into()),
    };
    let link = Link::parse(&text).map_err(told)?;
    let authorities = args
        .ca
        .as_ref()
        .map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display())))
        .transpose()?;
    let software = concat!("footfall ", env!("CARGO_PKG_VERSION"));
    let now = SystemClock::start().now().wall;
    let identity = enrol::enrol(&link, authorities.as_deref(), (software, architecture()), &args.out, now)
        .map_err(told)?;
    writeln!(
        out,
        "this box is {} of store {} of {}; its certificate holds until {}\n\
         Put this into its config file, and restart it:\n\n[fleet]\nidentity = \"{}\"",
        identity.box_id,
        identity.store,
        identity.tenant,
        identity.until,
        std::path::absolute(&args.out).unwrap_or_else(|_| args.out.clone()).display()
    )?;
    Ok(())
}

fn told(fault: EnrolError) -> anyhow::Error {
    match fault {
        EnrolError::Store(fault) => Failure::Storage(fault.to_string()).into(),
        other => Failure::Input(other.to_string()).into(),
    }
}

/// Processor architecture, as packages have it.
pub(in crate::app) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The text of the first QR code in a picture that can be read.
fn read_qr(path: &Path) -> anyhow::Result<String> {
    let picture =
        image::open(path).with_context(|| format!("cannot read the picture {}", path.display()))?.to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let shade = |x: usize, y: usize| {
        let at = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        picture.get_pixel_checked(at(x), at(y)).map_or(u8::MAX, |pixel| pixel.0[0])
    };
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let read = prepared.detect_grids().iter().find_map(|grid| grid.decode().ok());
    read.map(|(_, text)| text).ok_or_else(|| {
        let why = format!(
            "no QR code can be read in {}; take the picture from nearer and straight, or give the link as text",
            path.display()
        );
        Failure::Input(why).into()
    })
}
