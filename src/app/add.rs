//! `footfall model`: from the arguments to [`super::model`], and its questions to the terminal.

use super::cli::{ModelAddArgs, ModelCommand};
use super::exit::Failure;
use super::model::{self, AddArgs};
#[cfg(feature = "capture-opencv")]
use crate::app::draw::{BoxMark, Overlay, draw, save_png};
use crate::capture::Picture;
use crate::detect::inspect::{Question, QuestionKey};
use crate::detect::{Detection, HeadKind};
use anyhow::Context;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin, stdout};
use std::path::Path;

/// Runs `footfall model list` or `footfall model add`.
///
/// # Errors
/// Where the folder or the network cannot be used, or a question stays without an answer.
pub fn model(command: &ModelCommand) -> anyhow::Result<()> {
    match command {
        ModelCommand::List(args) => model::list(&args.folder, &mut stdout()),
        ModelCommand::Add(args) => add(args),
    }
}

fn add(args: &ModelAddArgs) -> anyhow::Result<()> {
    let head = args.head.as_deref().map(head_named).transpose()?;
    let wanted = AddArgs {
        file: args.file.clone(),
        head,
        licence: args.licence.clone(),
        source: args.source.clone(),
        name: args.name.clone(),
        picture: args.picture.clone(),
        library: args.library.clone(),
    };
    let added = model::add(&wanted, &mut |question| ask(question), &mut stdout())?;
    match (added.tried, &args.out) {
        (Some((picture, people)), Some(out)) => save_drawn(picture, &people, out),
        _ => Ok(()),
    }
}

#[cfg(feature = "capture-opencv")]
fn save_drawn(mut picture: Picture, people: &[Detection], out: &Path) -> anyhow::Result<()> {
    let mark = |person: &Detection| BoxMark { bbox: person.bbox, score: Some(person.score), track: None };
    let overlay = Overlay {
        boxes: people.iter().map(mark).collect(),
        feet: people.iter().map(|person| person.bbox.foot()).collect(),
        ..Overlay::default()
    };
    draw(&overlay, &mut picture)?;
    save_png(&picture, out)?;
    Ok(())
}

#[cfg(not(feature = "capture-opencv"))]
fn save_drawn(_picture: Picture, _people: &[Detection], _out: &Path) -> anyhow::Result<()> {
    Err(Failure::Input("this footfall was built without capture-opencv, so it draws nothing".to_owned())
        .into())
}

fn head_named(name: &str) -> anyhow::Result<HeadKind> {
    let unknown = || Failure::Input(format!("head {name:?} is not known; give {}", HeadKind::names()));
    Ok(HeadKind::parse(name).ok_or_else(unknown)?)
}

/// Asks at the terminal; an empty answer takes the default, where there is one.
fn ask(question: &Question) -> anyhow::Result<String> {
    if !stdin().is_terminal() {
        return unasked(question);
    }
    let default = question.default.as_deref().map(|text| format!(" [{text}]")).unwrap_or_default();
    write!(stderr(), "{}{default}: ", question.text).context("cannot ask at the terminal")?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    match (answer.trim(), &question.default) {
        ("", Some(default)) => Ok(default.clone()),
        (answer, _) => Ok(answer.to_owned()),
    }
}

/// Where nobody can be asked, a default is taken and what has none must be an argument.
fn unasked(question: &Question) -> anyhow::Result<String> {
    if let Some(default) = &question.default {
        return Ok(default.clone());
    }
    let how = match question.key {
        QuestionKey::Licence => "give --licence",
        QuestionKey::Source => "give --source",
        _ => "start this at a terminal",
    };
    Err(Failure::Input(format!("nobody can be asked: {}; {how}", question.text)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: QuestionKey, default: Option<&str>, expected: Result<&str, &str>) {
        let default = default.map(str::to_owned);
        let answer = unasked(&Question { key, text: "licence of the weights".to_owned(), default });
        let shown = answer.map_err(|fault| fault.to_string());
        assert_eq!(shown, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn where_nobody_can_be_asked_defaults_are_taken_and_the_rest_is_an_argument() {
        check(QuestionKey::Fit, Some("letterbox"), Ok("letterbox"));
        check(QuestionKey::Licence, None, Err("nobody can be asked: licence of the weights; give --licence"));
    }

    #[test]
    fn a_head_that_is_not_known_brings_those_that_are() {
        let fault = head_named("nanodett").unwrap_err().to_string();
        assert_eq!(fault, "head \"nanodett\" is not known; give nanodet, yolox, yolov8, ssd, detr");
        assert_eq!(head_named("ssd").unwrap(), HeadKind::Ssd);
    }
}
