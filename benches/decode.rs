//! What a frame costs behind the network: decoding and suppression of the default head.
//!
//! A shop sees a dozen people, and a crowd is what a head costs most at: both are measured.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use footfall::detect::decode::{Output, Values};
use footfall::detect::{Head, Manifest, nms};
use std::path::Path;

const MANIFEST: &str = r#"
name = "nanodet"
file = "nanodet.onnx"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
licence = "Apache-2.0"
source = "bench"
[input]
name = "input"
width = 416
height = 416
layout = "nchw"
channels = "bgr"
element = "f32"
fit = "stretch"
mean = [103.53, 116.28, 123.675]
std = [57.375, 57.12, 58.395]
[head]
kind = "nanodet"
strides = [8, 16, 32]
bins = 11
[classes]
person = 0
count = 80
[thresholds]
score = 0.1
nms_iou = 0.5
"#;

/// Name, cells and the two outputs of a level on which every `every`th cell sees a person.
fn level(cells: usize, every: usize) -> (Vec<f32>, Vec<f32>) {
    let scores = (0..cells * 80).map(|at| if at % (80 * every) == 0 { 0.9 } else { 0.01 }).collect();
    let sides = (0..cells * 44).map(|at| (at % 7) as f32 - 3.0).collect();
    (scores, sides)
}

fn decode(criterion: &mut Criterion) {
    let manifest = Manifest::parse(Path::new("bench.toml"), MANIFEST).expect("a sound manifest");
    let head = Head::new(&manifest, &[]);
    let mut group = criterion.benchmark_group("decode + nms");
    for (name, every) in [("a dozen boxes", 300), ("350 boxes", 10), ("3549 boxes", 1)] {
        let levels = [("8", 2704_usize), ("16", 676), ("32", 169)].map(|(stride, cells)| {
            let (scores, sides) = level(cells, every);
            (
                format!("cls{stride}"),
                format!("reg{stride}"),
                [1, cells as i64, 80],
                [1, cells as i64, 44],
                scores,
                sides,
            )
        });
        let outputs: Vec<Output<'_>> = levels
            .iter()
            .flat_map(|(cls, reg, cls_shape, reg_shape, scores, sides)| {
                [
                    Output { name: cls, shape: cls_shape, values: Values::F32(scores) },
                    Output { name: reg, shape: reg_shape, values: Values::F32(sides) },
                ]
            })
            .collect();
        let mut people = Vec::new();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                people.clear();
                head.decode(&outputs[..], 0.1, &mut people).expect("sound outputs");
                nms::suppress(&mut people, 0.5);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
