//! `footfall model list` and `footfall model add`: the networks of this box, and somebody's own.

use super::exit::Failure;
use crate::capture::Picture;
use crate::detect::inspect::{self, Question};
use crate::detect::manifest::sha256_of;
use crate::detect::{Detection, Detector, DetectorSettings, HeadKind, Manifest, OrtDetector, Provider, ort};
use crate::time::FrameTime;
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What `footfall model add` was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddArgs {
    /// The network.
    pub file: PathBuf,
    /// Its head, where it is not to be recognised.
    pub head: Option<HeadKind>,
    /// Licence of its weights; none: asked.
    pub licence: Option<String>,
    /// Where it comes from; none: asked.
    pub source: Option<String>,
    /// The model's name; none: the file's.
    pub name: Option<String>,
    /// A picture to try it on.
    pub picture: Option<PathBuf>,
    /// The ONNX Runtime library; none: the usual places.
    pub library: Option<PathBuf>,
}

/// What `footfall model add` made.
#[derive(Debug, Clone)]
pub struct Added {
    /// The manifest, beside the network.
    pub manifest: PathBuf,
    /// The picture that the network was tried on, with the people it saw.
    pub tried: Option<(Picture, Vec<Detection>)>,
}

/// Writes a line for every manifest in `dir`: its name, head, size, licence, and whether its network is whole.
///
/// # Errors
/// Where `dir` cannot be read, or `out` not written. A faulty manifest is a line, not an error.
pub fn list(dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|fault| unusable("cannot read the folder", dir, &fault))?;
    let mut manifests = Vec::new();
    for entry in entries {
        let path = entry.map_err(|fault| unusable("cannot read the folder", dir, &fault))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            manifests.push(path);
        }
    }
    manifests.sort();
    if manifests.is_empty() {
        writeln!(out, "no model manifest (*.toml) in {}", dir.display())?;
    }
    for path in manifests {
        match Manifest::read(&path) {
            Err(fault) => writeln!(out, "{fault}")?,
            Ok(model) => {
                let (head, input) = (model.head.kind().name(), &model.input);
                let state = model.verify().map_or_else(|fault| fault.to_string(), |()| "ready".to_owned());
                let size = format!("{}x{}", input.width, input.height);
                writeln!(out, "{:<26} {head:<8} {size:<10} {:<12} {state}", model.name, model.licence)?;
            }
        }
    }
    Ok(())
}

/// Looks into a network, asks what cannot be seen, writes its manifest beside it, and tries it.
///
/// # Errors
/// Where the network cannot be opened, its head is not known, a manifest is there already, or an
/// answer does not fit; then nothing is written.
pub fn add(
    args: &AddArgs,
    ask: &mut dyn FnMut(&Question) -> anyhow::Result<String>,
    out: &mut dyn Write,
) -> anyhow::Result<Added> {
    let stem = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let manifest = args.file.with_extension("toml");
    if manifest.exists() {
        let why = format!("{} is there already; move it away to add the model anew", manifest.display());
        return Err(Failure::Input(why).into());
    }
    let file_name = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sha256 =
        sha256_of(&args.file).map_err(|fault| unusable("cannot read the network", &args.file, &fault))?;
    let facts = ort::look_into(&args.file, args.library.as_deref())?;
    let mut draft = inspect::recognise(&facts, args.head).with_context(|| args.file.display().to_string())?;
    writeln!(out, "{}: a {} head; {}", args.file.display(), draft.head.kind().name(), facts.seen())?;
    for question in draft.missing.clone() {
        let given = match question.key {
            inspect::QuestionKey::Licence => args.licence.clone(),
            inspect::QuestionKey::Source => args.source.clone(),
            _ => None,
        };
        let answer = given.map_or_else(|| ask(&question), Ok)?;
        draft.answer(&question, &answer)?;
    }
    let text = draft.to_toml(args.name.as_ref().unwrap_or(&stem), &file_name, &sha256);
    Manifest::parse(&manifest, &text)?;
    let picture = args.picture.as_deref().map(load_picture).transpose()?;
    let tried = write_and_try(args, &manifest, &text, picture)?;
    writeln!(out, "wrote {}", manifest.display())?;
    if let Some((_, people)) = &tried {
        write_table(people, out)?;
    }
    Ok(Added { manifest, tried })
}

/// Writes the manifest, opens the model by it, and takes the manifest back where that fails.
fn write_and_try(
    args: &AddArgs,
    manifest: &Path,
    text: &str,
    picture: Option<Picture>,
) -> anyhow::Result<Option<(Picture, Vec<Detection>)>> {
    std::fs::write(manifest, text).map_err(|fault| unusable("cannot write", manifest, &fault))?;
    let tried = try_model(args, manifest, picture);
    if tried.is_err() {
        std::fs::remove_file(manifest).map_err(|fault| unusable("cannot remove", manifest, &fault))?;
    }
    tried
}

fn try_model(
    args: &AddArgs,
    manifest: &Path,
    picture: Option<Picture>,
) -> anyhow::Result<Option<(Picture, Vec<Detection>)>> {
    let mut detector = OrtDetector::open(&DetectorSettings {
        manifest: manifest.to_path_buf(),
        library: args.library.clone(),
        provider: Provider::Cpu,
        threads: 1,
    })?;
    let Some(picture) = picture else { return Ok(None) };
    let mut people = Vec::new();
    detector.detect(&picture, FrameTime::default(), &mut people)?;
    Ok(Some((picture, people)))
}

/// A file that somebody named and that cannot be used as they wish.
fn unusable(what: &str, path: &Path, fault: &dyn std::error::Error) -> Failure {
    Failure::Input(format!("{what} {}: {fault}", path.display()))
}

fn load_picture(path: &Path) -> anyhow::Result<Picture> {
    let read =
        image::open(path).map_err(|fault| unusable("cannot read the picture", path, &fault))?.into_rgb8();
    let (width, height) = read.dimensions();
    let mut bgr = read.into_raw();
    bgr.chunks_exact_mut(3).for_each(<[u8]>::reverse);
    Ok(Picture { width, height, bgr })
}

fn write_table(people: &[Detection], out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "{} people", people.len())?;
    writeln!(out, "{:>6} {:>7} {:>7} {:>7} {:>7}", "score", "left", "top", "right", "bottom")?;
    for Detection { bbox, score } in people {
        let (left, top, right, bottom) = (bbox.left, bbox.top, bbox.right, bbox.bottom);
        writeln!(out, "{score:>6.2} {left:>7.1} {top:>7.1} {right:>7.1} {bottom:>7.1}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::exit::Ending;

    #[test]
    fn a_faulty_manifest_is_a_line_of_the_list_like_any_other() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("b.toml"), "name = 3").unwrap();
        std::fs::write(dir.path().join("notes.txt"), "").unwrap();
        let mut out = Vec::new();
        list(dir.path(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("model manifest ") && text.contains("b.toml") && !text.contains("notes"),
            "{text}"
        );
    }

    #[test]
    fn a_folder_without_models_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        list(dir.path(), &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().starts_with("no model manifest (*.toml) in "));
        assert!(list(&dir.path().join("nowhere"), &mut Vec::new()).is_err());
    }

    #[test]
    fn what_cannot_be_added_is_a_fault_of_the_input() {
        let dir = tempfile::tempdir().unwrap();
        let added = |name: &str| {
            let args = AddArgs { file: dir.path().join(name), ..AddArgs::default() };
            let fault = add(&args, &mut |_| Ok(String::new()), &mut Vec::new()).unwrap_err();
            assert_eq!(Ending::of(&fault), Ending::Input, "{fault:#}");
            fault.to_string()
        };
        assert!(added("gone.onnx").starts_with("cannot read the network "));
        std::fs::write(dir.path().join("there.toml"), "").unwrap();
        assert!(added("there.onnx").ends_with("is there already; move it away to add the model anew"));
        let listed = list(&dir.path().join("nowhere"), &mut Vec::new()).unwrap_err();
        assert_eq!(Ending::of(&listed), Ending::Input, "{listed:#}");
    }
}
