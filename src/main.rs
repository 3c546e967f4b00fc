//! `footfall`: the edge binary. Arguments in, exit code out; all else is in `footfall::app`.

use footfall::app::{self, cli::Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    app::prepare();
    match Cli::read(std::env::args_os()) {
        Ok(cli) => app::finish("footfall", app::run(&cli)),
        Err(answer) => answer.exit(),
    }
}
