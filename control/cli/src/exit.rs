//! Exit codes, and how a failure is told.

use std::process::ExitCode;

use control::client::ClientError;
use control::daemon::DaemonError;

/// Shown behind the `--help` of the program and on its manual page.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  refused or failed: the message says why; of ping and lsp: nothing answered, or not
     the end of the LSP
  2  the command line is wrong
  3  no router process answers on the control socket
  4  the file has faults; nothing was changed

Colours are used on a terminal only, and not when NO_COLOR is set.";

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The message says why.
    Failed(String),
    /// No router answers.
    NoRouter(String),
    /// The file has faults; the text shows them.
    Faults(String),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Connect { .. } => Self::NoRouter(error.to_string()),
            ClientError::Refused(refusal) if !refusal.faults.is_empty() => Self::Faults(refusal.message),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Config(errors) => Self::Faults(crate::output::faults(&errors)),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<control::ConfigErrors> for Failure {
    fn from(errors: control::ConfigErrors) -> Self {
        Self::Faults(crate::output::faults(&errors))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a command gives.
pub(crate) type Done = Result<(), Failure>;

/// Tells a failure and gives the exit code.
pub(crate) fn code(done: Done) -> ExitCode {
    let (code, message) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => (1, message),
        Err(Failure::NoRouter(message)) => (3, message),
        Err(Failure::Faults(message)) => (4, message),
    };
    if !message.is_empty() {
        anstream::eprintln!("{}", message.trim_end());
    }
    ExitCode::from(code)
}
