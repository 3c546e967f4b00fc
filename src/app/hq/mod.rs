//! The commands of `footfall-hq`: what reads the arguments, builds the parts of head office and runs them.

mod accounts;
mod cli;
mod data;
mod fill;
mod fleet;
mod register;
mod serve;

pub use cli::Cli;

use crate::hq::config;
use cli::{Command, ConfigCommand, FileArgs};
use std::io::{Write, stdout};

/// Runs one command to its end.
///
/// # Errors
/// What went wrong; [`Ending::of`](super::exit::Ending::of) says what that means to a script.
pub fn run(cli: &Cli) -> anyhow::Result<()> {
    let out = &mut stdout();
    match &cli.command {
        Command::Serve(args) => serve::serve(args),
        Command::Check(args) => check(args, out),
        Command::Config(ConfigCommand::Default) => Ok(out.write_all(config::DEFAULT_FILE.as_bytes())?),
        Command::Register(args) => register::register(args, out),
        Command::Account(command) => accounts::run(command, out),
        Command::Token(args) => accounts::token(args, out),
        Command::Enrol(args) => fleet::link(args, out),
        Command::Authority(command) => fleet::authority(command, out),
        Command::Package(command) => fleet::package(command, out),
        Command::Import(args) => data::import(args, out),
        Command::Day(args) => data::day(args, out),
        Command::Aside(args) => data::aside(args, out),
        Command::Export(args) => fill::export(args, out),
        Command::Simulate(args) => fill::chain(args, out),
    }
}

/// Shows every fault of the config file and of the register, or that there is none.
fn check(args: &FileArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let settings = config::load(&args.config)?;
    let stores = match &settings.register {
        None => 0,
        Some(path) => register::check(path)?.stores.len(),
    };
    match settings.register {
        None => writeln!(out, "{} has no faults; it names no register", args.config.display())?,
        Some(_) => {
            writeln!(out, "{} and its register have no faults: {stores} stores", args.config.display())?
        }
    }
    Ok(())
}
