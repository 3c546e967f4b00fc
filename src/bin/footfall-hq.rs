//! `footfall-hq`: head office. Arguments in, exit code out; all else is in `footfall::app::hq`.

use footfall::app::{self, hq::Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    app::prepare();
    match Cli::read(std::env::args_os()) {
        Ok(cli) => app::finish("footfall-hq", app::hq::run(&cli)),
        Err(answer) => answer.exit(),
    }
}
