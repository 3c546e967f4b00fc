//! What the whole costs: `footfall count` on the sample clip against a bare loop of the same network.
//!
//! Both run in turn, several times, because a machine's speed drifts; the ratio is taken pair by pair. CPU time, not
//! time that passes: other work on the machine must not change the answer. It also tells the memory
//! at its highest, and how long a live camera takes from the start of the program to its first counted frame.

use footfall::capture::{self, Frame, Playback, ReadOutcome, SourceAddress, SourceSettings};
use footfall::detect::{Detector, DetectorSettings, OrtDetector, Provider};
use footfall::time::{Clock, SystemClock};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const ROUNDS: usize = 5;
const BARE_RUNS: u32 = 400;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn detector() -> Result<OrtDetector, Box<dyn Error>> {
    let manifest = project("models/nanodet-g-416-int8.toml");
    Ok(OrtDetector::open(&DetectorSettings { manifest, library: None, provider: Provider::Cpu, threads: 1 })?)
}

/// CPU ms of one run of the network, one thread, on one picture of the clip, nothing else.
fn bare(detector: &mut OrtDetector, frame: &Frame) -> Result<f64, Box<dyn Error>> {
    let mut people = Vec::new();
    let before = detector.inference_cpu();
    for _ in 0..BARE_RUNS {
        detector.detect(&frame.picture, frame.at, &mut people)?;
    }
    Ok(1e3 * (detector.inference_cpu() - before).as_secs_f64() / f64::from(BARE_RUNS))
}

/// CPU ms a frame of the whole program, start included, and its peak memory in MB.
fn whole() -> Result<(f64, f64), Box<dyn Error>> {
    let clip = project("build/clips/vtest.avi");
    let output = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["count", "--line", "v500:500,140,500,480", "--json"])
        .arg(clip)
        .stderr(Stdio::inherit())
        .output()?;
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let number = |key: &str| summary[key].as_f64().ok_or(format!("the summary has no {key}"));
    Ok((1e3 * number("cpu_seconds")? / number("frames")?, number("peak_rss_mb")?))
}

/// Seconds from starting the program to the first frame of a live camera that went through the tracker.
fn start_to_first_frame() -> Result<f64, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("footfall.toml");
    std::fs::write(
        &config,
        format!(
            "tenant = \"bench\"\nstore = \"bench\"\nbox = \"bench-1\"\n[detector]\nmodel = {:?}\n[[camera]]\nid = \"door\"\n\
             source = {:?}\npicture = \"768x576\"\n[[camera.line]]\nid = \"line\"\n\
             from = [500, 140]\nto = [500, 480]\n",
            project("models/nanodet-g-416-int8.toml"),
            project("build/clips/vtest.avi"),
        ),
    )?;
    let clock = SystemClock::start();
    let mut service = Command::new(env!("CARGO_BIN_EXE_footfall"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["run", "--config"])
        .arg(&config)
        .stderr(Stdio::piped())
        .spawn()?;
    let log = BufReader::new(service.stderr.take().ok_or("no log")?);
    let counting = log.lines().map_while(Result::ok).any(|line| line.contains("counting"));
    let after = clock.now().elapsed.as_secs_f64();
    service.kill()?;
    service.wait()?;
    if counting { Ok(after) } else { Err("the service ended before it counted".into()) }
}

fn first_frame() -> Result<Frame, Box<dyn Error>> {
    let limit = Duration::from_secs(30);
    let settings = SourceSettings {
        address: SourceAddress::File(project("build/clips/vtest.avi")),
        playback: Playback::AsFastAsItGoes,
        open_timeout: limit,
        read_timeout: limit,
        retry_max: limit,
    };
    let clock = Arc::new(SystemClock::start());
    let start = clock.now().wall;
    let (mut source, mut frame) = (capture::open(&settings, clock, start, None)?, Frame::default());
    match source.read(&mut frame)? {
        ReadOutcome::Frame => Ok(frame),
        ReadOutcome::End => Err("the clip is empty".into()),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut detector, frame) = (detector()?, first_frame()?);
    bare(&mut detector, &frame)?;
    let (mut ratios, mut wholes, mut bares, mut memory) = (vec![], vec![], vec![], 0.0_f64);
    println!("nanodet-g-416-int8, sample clip (768x576, 795 frames), one thread, CPU ms a frame");
    for round in 1..=ROUNDS {
        let bare_ms = bare(&mut detector, &frame)?;
        let (whole_ms, peak_mb) = whole()?;
        println!(
            "  round {round}: bare loop {bare_ms:.2}, footfall count {whole_ms:.2}, ratio {:.3}",
            whole_ms / bare_ms
        );
        ratios.push(whole_ms / bare_ms);
        wholes.push(whole_ms);
        bares.push(bare_ms);
        memory = memory.max(peak_mb);
    }
    println!(
        "  median: bare loop {:.2}, footfall count {:.2}, ratio {:.3}",
        median(bares),
        median(wholes),
        median(ratios)
    );
    println!("peak memory of footfall count: {memory:.0} MB");
    let starts = (0..ROUNDS).map(|_| start_to_first_frame()).collect::<Result<Vec<_>, _>>()?;
    println!(
        "start to the first counted frame of a live camera: {:.2} s (median of {ROUNDS})",
        median(starts)
    );
    Ok(())
}
