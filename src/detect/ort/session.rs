//! Opens a network and compares it with its manifest, before the first frame.

use super::library;
use crate::detect::decode::Head;
use crate::detect::inspect::{NetworkFacts, Port};
use crate::detect::manifest::{Element, HeadSpec, InputSpec, Layout, Manifest};
use crate::detect::{DetectError, DetectorSettings, Provider};
use ::ort::environment::Environment;
use ::ort::ep::{self, ExecutionProvider as _};
use ::ort::memory::Allocator;
use ::ort::session::builder::{AutoDevicePolicy, SessionBuilder};
use ::ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ::ort::value::{DynTensor, Outlet, TensorElementType, ValueType};
use std::path::Path;

/// Opens the manifest's network as the settings say.
pub(super) fn open(
    environment: &Environment,
    settings: &DetectorSettings,
    manifest: &Manifest,
) -> Result<Session, DetectError> {
    let unopened = |e: ::ort::Error| DetectError::Open {
        model: manifest.name.clone(),
        file: manifest.file.clone(),
        reason: e.to_string(),
    };
    let builder = options(environment, settings.threads).map_err(unopened)?;
    with_provider(builder, settings)?.commit_from_file(&manifest.file).map_err(unopened)
}

/// What is inside an ONNX file that has no manifest yet.
///
/// # Errors
/// [`DetectError`] where there is no library or the file is no network.
pub fn look_into(file: &Path, named_library: Option<&Path>) -> Result<NetworkFacts, DetectError> {
    let environment = library::environment(named_library)?;
    let opened = options(&environment, 1).and_then(|mut builder| builder.commit_from_file(file));
    let session = opened.map_err(|e| DetectError::Open {
        model: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        file: file.to_path_buf(),
        reason: e.to_string(),
    })?;
    let ports = |outlets: &[Outlet]| outlets.iter().map(port).collect();
    Ok(NetworkFacts { inputs: ports(session.inputs()), outputs: ports(session.outputs()) })
}

/// One thread, no spinning, and little memory.
fn options(environment: &Environment, threads: usize) -> ::ort::Result<SessionBuilder> {
    Ok(Session::builder(environment)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        // Or a library that knows a GPU or an NPU would take it unasked.
        .with_auto_device(AutoDevicePolicy::PreferCPU)?)
}

fn with_provider(
    builder: SessionBuilder,
    settings: &DetectorSettings,
) -> Result<SessionBuilder, DetectError> {
    let threads = settings.threads;
    let wanted = settings.provider;
    let unavailable = |reason: String| DetectError::Provider { wanted, reason, available: available() };
    if !is_available(wanted) {
        return Err(unavailable("the library was built without it".to_owned()));
    }
    let chosen = match wanted {
        Provider::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
        Provider::OpenVino => ep::OpenVINO::default().with_num_threads(threads).build(),
        Provider::Cuda => ep::CUDA::default().build(),
        Provider::TensorRt => ep::TensorRT::default().build(),
        Provider::CoreMl => ep::CoreML::default().build(),
    };
    builder.with_execution_providers([chosen.error_on_failure()]).map_err(|e| unavailable(e.to_string()))
}

fn is_available(provider: Provider) -> bool {
    match provider {
        Provider::Cpu => Ok(true),
        Provider::OpenVino => ep::OpenVINO::is_available(),
        Provider::Cuda => ep::CUDA::is_available(),
        Provider::TensorRt => ep::TensorRT::is_available(),
        Provider::CoreMl => ep::CoreML::is_available(),
    }
    .unwrap_or(false)
}

fn available() -> String {
    let names: Vec<&str> =
        Provider::ALL.into_iter().filter(|provider| is_available(*provider)).map(Provider::name).collect();
    names.join(", ")
}

/// Reads these outputs only, each into memory that is made once where its shape is fixed.
pub(super) fn bind_outputs(session: &Session, head: &Head) -> ::ort::Result<RunOptions<HasSelectedOutputs>> {
    let mut selector = OutputSelector::no_default();
    for (name, _) in head.reads() {
        let known = session.outputs().iter().find(|output| output.name() == name);
        let dtype = known.map(Outlet::dtype);
        selector = selector.with(name.as_str());
        if let Some(ValueType::Tensor { ty, shape, .. }) = dtype
            && !shape.is_empty()
            && shape.iter().all(|side| *side > 0)
        {
            selector = selector.preallocate(name, DynTensor::new(&Allocator::default(), *ty, shape.clone())?);
        }
    }
    Ok(RunOptions::new()?.with_outputs(selector))
}

/// Compares inputs and outputs with the manifest.
pub(super) fn check(session: &Session, manifest: &Manifest, head: &Head) -> Result<(), DetectError> {
    let ports = |outlets: &[Outlet]| outlets.iter().map(port).collect::<Vec<_>>();
    let (inputs, outputs) = (ports(session.inputs()), ports(session.outputs()));
    let wrong = |mismatch| DetectError::Mismatch { model: manifest.name.clone(), mismatch };
    check_inputs(&inputs, manifest).and_then(|()| check_outputs(&outputs, head)).map_err(wrong)
}

fn check_inputs(inputs: &[Port], manifest: &Manifest) -> Result<(), String> {
    let mut expected = vec![expected_input(&manifest.input)];
    if let HeadSpec::Detr { sizes: Some(name), .. } = &manifest.head {
        expected.push(Port { name: name.clone(), shape: vec![1, 2], element: "i64".to_owned() });
    }
    for port in &expected {
        let found = find(inputs, &port.name, "input")?;
        let fits = found.shape.len() == port.shape.len()
            && found.shape.iter().zip(&port.shape).all(|(found, said)| *found == -1 || found == said);
        if !fits || found.element != port.element {
            let Port { name, shape, element } = found;
            let said = format!("{} {:?}", port.element, port.shape);
            return Err(format!("input `{name}` is {element} {shape:?}, the manifest says {said}"));
        }
    }
    match inputs.iter().find(|input| expected.iter().all(|port| port.name != input.name)) {
        Some(extra) => Err(format!("input `{}` is not in the manifest", extra.name)),
        None => Ok(()),
    }
}

fn check_outputs(outputs: &[Port], head: &Head) -> Result<(), String> {
    for (name, said) in head.reads() {
        let found = find(outputs, &name, "output")?;
        if !output_fits(&found.shape, &said) {
            let side = |side: &Option<usize>| side.map_or_else(|| "N".to_owned(), |side| side.to_string());
            let said = said.iter().map(side).collect::<Vec<_>>().join(", ");
            return Err(format!("output `{name}` is {:?}, the manifest says [{said}]", found.shape));
        }
    }
    Ok(())
}

fn find<'a>(ports: &'a [Port], name: &str, what: &str) -> Result<&'a Port, String> {
    ports.iter().find(|port| port.name == name).ok_or_else(|| {
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        format!("there is no {what} `{name}`; the network has {}", names.join(", "))
    })
}

/// Whether an output may be what the head reads. A side of -1, or no sides at all, is only known after a run.
fn output_fits(found: &[i64], said: &[Option<usize>]) -> bool {
    let inner = |side: &&i64| **side != 1;
    let Some((last, before)) = found.split_last() else { return true };
    let mut found: Vec<i64> = before.iter().filter(inner).copied().collect();
    found.push(*last);
    let said: Vec<Option<usize>> = said.iter().skip_while(|side| **side == Some(1)).copied().collect();
    if found.len() == said.len() + 1 && found[0] == -1 {
        found.remove(0);
    }
    let side_fits = |(found, said): (&i64, &Option<usize>)| {
        *found == -1 || said.is_none_or(|said| usize::try_from(*found) == Ok(said))
    };
    found.len() == said.len() && found.iter().zip(&said).all(side_fits)
}

fn expected_input(input: &InputSpec) -> Port {
    let (width, height) = (i64::from(input.width), i64::from(input.height));
    Port {
        name: input.name.clone(),
        shape: match input.layout {
            Layout::Nchw => vec![1, 3, height, width],
            Layout::Nhwc => vec![1, height, width, 3],
        },
        element: match input.element {
            Element::F32 => "f32".to_owned(),
            Element::U8 => "u8".to_owned(),
        },
    }
}

fn port(outlet: &Outlet) -> Port {
    let (shape, element) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => (shape.to_vec(), element_name(*ty)),
        other => (Vec::new(), other.to_string()),
    };
    Port { name: outlet.name().to_owned(), shape, element }
}

fn element_name(element: TensorElementType) -> String {
    match element {
        TensorElementType::Float32 => "f32".to_owned(),
        TensorElementType::Float16 => "f16".to_owned(),
        TensorElementType::Uint8 => "u8".to_owned(),
        TensorElementType::Int32 => "i32".to_owned(),
        TensorElementType::Int64 => "i64".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_fits_where_every_known_side_does() {
        let table = [Some(1), None, Some(4)];
        for fits in [&[1, 9, 4][..], &[1, 9, 1, 4], &[9, 4], &[-1, 9, 4], &[-1, -1, 4], &[1, -1, -1], &[]] {
            assert!(output_fits(fits, &table), "{fits:?}");
        }
        for other in [&[1, 9, 5][..], &[2, 9, 4], &[4], &[1, 9, 4, 9]] {
            assert!(!output_fits(other, &table), "{other:?}");
        }
        assert!(output_fits(&[1, 84, 8400], &[Some(1), Some(84), None]));
        assert!(!output_fits(&[1, 8400, 84], &[Some(1), Some(84), None]));
    }
}
