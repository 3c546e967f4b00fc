//! The commands of `footfall`: what reads the arguments, builds the stages and runs them.
//!
//! All that touches the machine meets here: threads, signals, the terminal. What is counted is decided above.

#[cfg(feature = "detect-ort")]
pub mod add;
pub mod audit;
pub mod calibrate;
pub mod check;
pub mod cli;
pub mod clip;
pub mod confirm;
pub mod count;
#[cfg(feature = "capture-opencv")]
pub mod draw;
pub mod enrol;
pub mod evaluate;
pub mod exit;
pub mod eye;
#[cfg(feature = "capture-opencv")]
pub mod film;
mod health;
#[cfg(feature = "hq")]
pub mod hq;
pub mod look;
#[cfg(feature = "detect-ort")]
pub mod model;
pub mod native_env;
pub mod record;
mod release;
pub mod run;
pub mod sights;
pub mod support;
pub mod till;
pub mod track;
mod update;
pub mod usage;
pub mod watch;

pub use exit::finish;

use cli::{Cli, Command, ConfigCommand, ModelCommand, UpdateCommand};
use std::io::{IsTerminal, stderr, stdout};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// What must happen before anything else: settings that native libraries read when they start, and the log.
pub fn prepare() {
    let missing = native_env::ensure(&native_environment());
    start_log();
    if let Err(error) = missing {
        tracing::warn!(%error, "cannot start anew with the settings that native libraries take from the environment");
    }
}

/// What the native libraries that are built in take from the environment only.
fn native_environment() -> Vec<(&'static str, &'static str)> {
    let wanted: &[&[(&str, &str)]] = &[
        #[cfg(feature = "capture-opencv")]
        &crate::capture::opencv::ENVIRONMENT,
        #[cfg(feature = "detect-ort")]
        &crate::detect::ort::ENVIRONMENT,
    ];
    wanted.concat()
}

/// The log goes to standard error; `FOOTFALL_LOG` says how much of it.
fn start_log() {
    // ONNX Runtime tells at every start what it finds; that is worth a line only when somebody asks.
    let wanted = std::env::var("FOOTFALL_LOG").unwrap_or_else(|_| "info".to_owned());
    let wanted = if wanted.contains("ort=") { wanted } else { wanted + ",ort=warn" };
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(wanted);
    let log = tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    log.init();
}

/// Runs one command to its end.
///
/// # Errors
/// What went wrong; [`exit::Ending::of`] says what that means to a script.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Enrol(args) => enrol::enrol(args, &mut stdout()),
        Command::Count(args) => clip::count(args),
        Command::Record(args) => record::record(args, &mut stdout()),
        Command::Evaluate(args) => evaluate::evaluate(args, &mut stdout()),
        Command::Track(args) => track::track(args, &mut stdout()),
        Command::Check(args) => check::check(args, &mut stdout()),
        Command::Config(ConfigCommand::Default) => check::print_default(&mut stdout()),
        Command::Model(command) => model(command),
        Command::Look(args) => look::look(args),
        Command::Till(args) => till::till(args, &mut stdout()),
        Command::Confirm(args) => confirm::confirm(args, &mut stdout()),
        Command::Calibrate(command) => calibrate::calibrate(command),
        Command::Watch(args) => watch::watch(args),
        Command::Support(args) => support::support(args, &mut stdout()),
        Command::Audit(command) => audit::run(command),
        Command::Update(UpdateCommand::Apply(args)) => update::apply(args, &mut stdout()),
        Command::Release(command) => release::run(command, &mut stdout()),
    }
}

#[cfg(feature = "detect-ort")]
fn model(command: &ModelCommand) -> anyhow::Result<()> {
    add::model(command)
}

#[cfg(not(feature = "detect-ort"))]
fn model(_command: &ModelCommand) -> anyhow::Result<()> {
    Err(exit::Failure::Input("this footfall was built without detect-ort, so it runs no network".to_owned())
        .into())
}
