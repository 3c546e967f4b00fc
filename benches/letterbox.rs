//! What a frame costs before the network: common camera sizes to the default network's picture.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use footfall::capture::Picture;
use footfall::detect::Letterbox;
use footfall::detect::letterbox::TensorMut;
use footfall::detect::manifest::{Channels, Element, Fit, InputSpec, Layout};

fn input(fit: Fit) -> InputSpec {
    InputSpec {
        name: "input".into(),
        width: 416,
        height: 416,
        layout: Layout::Nchw,
        channels: Channels::Bgr,
        element: Element::F32,
        fit,
        pad: 114,
        mean: [103.53, 116.28, 123.675],
        std: [57.375, 57.12, 58.395],
    }
}

fn letterbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("letterbox");
    for (width, height) in [(768_u32, 576_u32), (1920, 1080)] {
        let bgr = (0..width * height * 3).map(|at| (at % 251) as u8).collect();
        let picture = Picture { width, height, bgr };
        for (name, fit) in [("stretch", Fit::Stretch), ("letterbox", Fit::Letterbox)] {
            let mut letterbox = Letterbox::new(&input(fit));
            let mut tensor = vec![0.0; letterbox.tensor_len()];
            let id = BenchmarkId::new(name, picture.size());
            group.bench_function(id, |bencher| {
                bencher
                    .iter(|| letterbox.fill(&picture, TensorMut::F32(&mut tensor)).expect("a sound picture"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, letterbox);
criterion_main!(benches);
