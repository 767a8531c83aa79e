//! The router process of the demonstration: the real program, in its namespace.
//!
//! Nothing is left behind, however this process ends: the configuration is a
//! file in memory, and the router stops by itself when its standard input, a
//! pipe from here, closes.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::DemoError;
use crate::netns::Namespace;

/// Lines of the router's log that are kept for an error message.
const KEPT: usize = 8;
/// Processes started so far: several may run, each with a control socket of its own.
static STARTED: AtomicUsize = AtomicUsize::new(0);
/// Longest wait for the router to end on its own.
const PATIENCE: Duration = Duration::from_secs(3);

/// A running router process; it ends with this value.
#[derive(Debug)]
pub(crate) struct RouterProcess {
    child: Child,
    socket: PathBuf,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    /// Read by the process when it starts.
    _configuration: File,
}

impl RouterProcess {
    /// Starts `program` in `namespace` with this configuration.
    pub(crate) fn start(namespace: &Namespace, program: &Path, text: &str) -> Result<Self, DemoError> {
        let failed = |action: &str, reason: &dyn ToString| DemoError::System {
            action: action.into(),
            reason: reason.to_string(),
        };
        let memory = memfd_create("viaduct-demonstration", MFdFlags::MFD_CLOEXEC);
        let mut configuration = File::from(memory.map_err(|e| failed("a file in memory", &e))?);
        configuration.write_all(text.as_bytes()).map_err(|e| failed("writing the configuration", &e))?;
        let own = std::process::id();
        let socket = std::env::temp_dir()
            .join(format!("viaduct-demonstration-{own}-{}.sock", STARTED.fetch_add(1, Ordering::Relaxed)));
        let mut command = Command::new(program);
        command
            .arg("daemon")
            .arg("--config")
            .arg(format!("/proc/{own}/fd/{}", configuration.as_raw_fd()))
            .arg("--socket")
            .arg(&socket)
            .arg("--until-stdin-closes")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = namespace.spawn(&mut command).map_err(|e| DemoError::Router(e.to_string()))?;
        let log = Arc::<Mutex<Vec<String>>>::default();
        let reader = child.stderr.take().map(|lines| {
            let log = log.clone();
            std::thread::spawn(move || keep(BufReader::new(lines), &log))
        });
        Ok(Self { child, socket, log, reader, _configuration: configuration })
    }

    /// An error when it has ended, with the last of what it said.
    pub(crate) fn check(&mut self) -> Result<(), DemoError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.reader.take().map(JoinHandle::join);
                Err(DemoError::Router(format!("ended ({status}): {}", self.last_words())))
            }
            Err(error) => Err(DemoError::Router(format!("is lost: {error}"))),
        }
    }

    /// Stops it where it is, or lets it go on.
    pub(crate) fn pause(&mut self, pauses: bool) {
        let signal = if pauses { Signal::SIGSTOP } else { Signal::SIGCONT };
        // Its id is its own until it is waited for.
        let _ = i32::try_from(self.child.id()).map(|id| kill(Pid::from_raw(id), signal));
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("; ")
    }
}

/// Keeps the last lines.
fn keep(lines: impl BufRead, log: &Mutex<Vec<String>>) {
    for line in lines.lines().map_while(Result::ok) {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == KEPT {
            log.remove(0);
        }
        log.push(line);
    }
}

impl Drop for RouterProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.pause(false);
        // Its id is its own until it is waited for.
        let _ = i32::try_from(self.child.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.reader.take().map(JoinHandle::join);
        // There only if it could not clear up itself.
        let _ = std::fs::remove_file(&self.socket);
    }
}
