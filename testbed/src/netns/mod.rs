//! Network namespaces: hosts and links of the kernel's own, as peers of a real router.
//!
//! A [`Namespace`] has no name in the file system. It lives while this process
//! or one started in it holds it, and with the last of them the kernel takes it
//! and its links away: nothing is left behind, however a process ends.
//!
//! Everything is done by netlink and system calls on short-lived threads that
//! entered the namespace; the calling thread stays where it is.

mod links;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::process::{Child, Command};

use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::Handle;

pub use links::LinkState;

/// Why something in a namespace could not be done.
#[derive(Debug, thiserror::Error)]
#[error("namespace {namespace}: {action}: {reason}")]
pub struct Error {
    /// The namespace's name.
    pub namespace: String,
    /// What was being done.
    pub action: String,
    /// What the system said.
    pub reason: String,
}

/// One network namespace, with its loopback up and IPv6 set to address itself
/// at once: no duplicate address detection, no router advertisements.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    held: File,
}

/// Whether namespaces can be made here; the reason when they cannot.
///
/// # Errors
/// One sentence that names what is missing.
pub fn available() -> Result<(), String> {
    Namespace::new("probe").map(drop).map_err(|e| format!("needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN): {e}"))
}

impl Namespace {
    /// A new namespace; `name` appears in errors only.
    ///
    /// # Errors
    /// [`Error`] when the process may not make one.
    pub fn new(name: &str) -> Result<Self, Error> {
        let failed = |action: &str, e: &dyn ToString| Error {
            namespace: name.to_owned(),
            action: action.to_owned(),
            reason: e.to_string(),
        };
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
            File::open("/proc/thread-self/ns/net")
        };
        let held = on_thread(make).map_err(|e| failed("making it", &e))?;
        let namespace = Self { name: name.to_owned(), held };
        for (key, value) in [("accept_dad", "0"), ("accept_ra", "0"), ("router_solicitations", "0")] {
            namespace.sysctl(&format!("net.ipv6.conf.default.{key}"), value)?;
            namespace.sysctl(&format!("net.ipv6.conf.all.{key}"), value)?;
        }
        namespace.up("lo")?;
        Ok(namespace)
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path that `setns(2)` users can open while this value lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.held.as_raw_fd()))
    }

    /// Runs `work` on a thread in this namespace and gives what it gave. Threads
    /// and processes it starts stay in the namespace. A panic passes on.
    ///
    /// # Errors
    /// [`Error`] when the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        on_thread(|| setns(&self.held, CloneFlags::CLONE_NEWNET).map(|()| work()))
            .map_err(|e| self.error("entering it", &e))
    }

    /// Starts `command` in this namespace.
    ///
    /// # Errors
    /// [`Error`] when the program cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, Error> {
        self.run(|| command.spawn())?
            .map_err(|e| self.error(format!("starting {}", command.get_program().display()), &e))
    }

    /// Sets a kernel parameter by its dotted name, as `sysctl(8)` does.
    ///
    /// # Errors
    /// [`Error`] when there is no such parameter or it does not take the value.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<(), Error> {
        let path = format!("/proc/sys/{}", key.replace('.', "/"));
        self.run(|| std::fs::write(&path, value))?
            .map_err(|e| self.error(format!("setting {key} to {value}"), &e))
    }

    /// Whether this host forwards packets between its interfaces.
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses.
    pub fn forwarding(&self, on: bool) -> Result<(), Error> {
        let value = if on { "1" } else { "0" };
        self.sysctl("net.ipv4.ip_forward", value)?;
        self.sysctl("net.ipv6.conf.all.forwarding", value)
    }

    /// Runs `work` with a netlink connection of this namespace.
    fn netlink<T: Send>(
        &self,
        action: impl Into<String> + Send,
        work: impl AsyncFnOnce(&Handle) -> Result<T, rtnetlink::Error> + Send,
    ) -> Result<T, Error> {
        let talk = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(async {
                let (connection, handle, _messages) = rtnetlink::new_connection()?;
                tokio::spawn(connection);
                Ok(work(&handle).await)
            })
        };
        let done: io::Result<Result<T, rtnetlink::Error>> = self.run(talk)?;
        done.map_err(|e| e.to_string())
            .and_then(|answer| answer.map_err(|e| e.to_string()))
            .map_err(|e| self.error(action, &e))
    }

    fn error(&self, action: impl Into<String>, reason: &dyn ToString) -> Error {
        Error { namespace: self.name.clone(), action: action.into(), reason: reason.to_string() }
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.as_fd()
    }
}

/// Runs `work` on a thread of its own, since a namespace belongs to a thread.
fn on_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(given) => given,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
