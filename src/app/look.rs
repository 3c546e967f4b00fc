//! `footfall look`: one frame with what is configured drawn on it, and whom the camera's detector sees there.

use super::cli::LookArgs;

/// Writes one frame with lines, arrows, zones, people and the points that count.
///
/// # Errors
/// What cannot be read, run or written, and what to do.
#[cfg(feature = "capture-opencv")]
pub fn look(args: &LookArgs) -> anyhow::Result<()> {
    use super::clip::{View, to_look_at};
    use super::{draw, exit::Failure, eye, film};
    use crate::capture::{self, CaptureError, Frame, ReadOutcome};
    use crate::time::{Clock, SystemClock};
    use crate::track::ScoreLevels;
    use std::io::Write;
    use std::sync::Arc;

    let view = View::of(&args.lines, args.model.as_ref())?;
    let source = args.clip.as_deref().map(to_look_at).transpose()?.or(view.source);
    let source =
        source.ok_or_else(|| Failure::Input("there is neither a clip nor a camera to look at".into()))?;
    let clock = Arc::new(SystemClock::start());
    let start = clock.now().wall;
    let mut camera = capture::open(&source, clock, start, None)?;
    let mut frame = Frame::default();
    if camera.read(&mut frame)? == ReadOutcome::End {
        return Err(CaptureError::NoFrames { address: source.address }.into());
    }
    let size = frame.picture.size();
    let drawn_on = view.pipeline.picture.unwrap_or(size);
    let (mut detector, mut people) = (eye::open(&view.detector, view.kind)?, Vec::new());
    detector.detect(&frame.picture, frame.at, &mut people)?;
    // Weaker boxes only continue a track; among them are half-hidden people, and cones.
    let sure = ScoreLevels::MODEST.start;
    let weak = people.extract_if(.., |found| found.score < sure).count();
    let anchors = film::anchors(&view.pipeline);
    let overlay = draw::Overlay {
        boxes: people
            .iter()
            .map(|p| draw::BoxMark { bbox: p.bbox, score: Some(p.score), track: None })
            .collect(),
        feet: people.iter().flat_map(|person| anchors.iter().map(|anchor| anchor.of(&person.bbox))).collect(),
        caption: format!("{}  {size}", source.address),
        ..film::marks(&view.pipeline, &[], size)
    };
    draw::draw(&overlay, &mut frame.picture)?;
    draw::save_png(&frame.picture, &args.out)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{}: {size} px, {} people seen (and {weak} weaker boxes, which start no track and are not drawn); drawn in {}",
        source.address,
        people.len(),
        args.out.display()
    )?;
    if drawn_on != size {
        writeln!(
            out,
            "the lines were drawn on {drawn_on} px and are scaled to this picture; one of another shape is not counted"
        )?;
    }
    Ok(())
}

/// Says that this build cannot draw.
///
/// # Errors
/// Always: there is no OpenCV in this build.
#[cfg(not(feature = "capture-opencv"))]
pub fn look(_args: &LookArgs) -> anyhow::Result<()> {
    let why = "this footfall was built without capture-opencv, so it draws nothing";
    Err(super::exit::Failure::Input(why.to_owned()).into())
}
