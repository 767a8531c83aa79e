//! `viaduct daemon`: the router process.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use crate::exit::Done;

const EXAMPLES: &str = "\
Called by the name viaductd, the program is this command.

Examples:
  viaduct daemon --config /etc/viaduct/viaduct.toml
  viaductd --config site.toml --socket /tmp/site.sock
  kill -HUP PID    apply the file again; a file with faults changes nothing";

/// Run the router process until SIGTERM or SIGINT. SIGHUP applies the file again.
///
/// Logs go to standard error, one line each; VIADUCT_LOG sets the level
/// (error, warn, info, debug).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop when standard input closes, as it does when the program that started this one ends.
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    log();
    if arguments.until_stdin_closes {
        std::thread::spawn(stop_with_stdin);
    }
    let chosen = (socket != Path::new(control::client::DEFAULT_SOCKET)).then_some(socket);
    Ok(control::daemon::run(&arguments.config, chosen)?)
}

/// The journal stamps lines itself; a person's terminal gets time and colours.
fn log() {
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let filter = EnvFilter::try_from_env("VIADUCT_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let format =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if journal {
        format.with_ansi(false).without_time().init();
    } else {
        format.with_ansi(colours).init();
    }
}

/// Asks this process to stop, as SIGTERM does, once nothing holds the other end
/// of its standard input any more.
fn stop_with_stdin() {
    // Whatever ends the reading, there is nobody left to serve.
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGTERM);
}
