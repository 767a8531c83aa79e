//! The router process: the real program, ended by its id whatever happens.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use testbed::netns::Namespace;

use super::wait;

/// A router process; it ends with this value. Its log is shown when a test fails.
#[derive(Debug)]
pub struct Router {
    child: Child,
    folder: TempDir,
}

impl Router {
    /// Starts it in `namespace` and waits until it listens.
    pub fn start(namespace: &Namespace, config: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), namespace, config)
    }

    /// Starts it with what an earlier one left in `folder`.
    pub fn start_in(folder: TempDir, namespace: &Namespace, config: &str) -> Self {
        std::fs::write(folder.path().join("router.toml"), config).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        command.arg("--socket").arg(folder.path().join("control.sock"));
        command.arg("daemon").arg("--config").arg(folder.path().join("router.toml"));
        command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(log));
        let child = namespace.spawn(&mut command).unwrap();
        let mut router = Self { child, folder };
        wait("the router's start", || {
            assert!(router.child.try_wait().unwrap().is_none(), "the router ended: {}", router.log());
            router.log().contains(" forwards; ")
        });
        router
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("control.sock")
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Runs a command against it and gives what that printed.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
        let done = command.arg("--socket").arg(self.socket()).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "viaduct {arguments:?}: {}: {said}", done.status);
        String::from_utf8(done.stdout).unwrap()
    }

    /// `viaduct show WHAT --json`
    pub fn show(&self, what: &str) -> serde_json::Value {
        serde_json::from_str(&self.command(&["show", what, "--json"])).unwrap()
    }

    /// Makes `config` what it forwards by.
    pub fn apply(&self, config: &str) {
        let path = self.folder.path().join("changed.toml");
        std::fs::write(&path, config).unwrap();
        self.command(&["apply", path.to_str().unwrap()]);
    }

    /// What `show ports` says of the line of `port`.
    pub fn link(&self, port: &str) -> String {
        let ports = self.show("ports");
        let row = ports.as_array().unwrap().iter().find(|row| row["name"] == port).unwrap();
        row["link"].as_str().unwrap().to_owned()
    }

    /// Processor time that all its threads have used.
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // Behind the name come the state and then numbers: user and system time
        // are the 14th and 15th field, in hundredths of a second (proc(5)).
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Its threads: names, with real-time priority and policy.
    pub fn threads(&self) -> Vec<(String, (u32, u32))> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let thread = |folder: PathBuf| {
            let stat = std::fs::read_to_string(folder.join("stat")).unwrap();
            let (front, rest) = stat.rsplit_once(") ").unwrap();
            // The 40th and 41st field, of which the first here is the third (proc(5)).
            let fields: Vec<&str> = rest.split(' ').collect();
            let name = front.split_once('(').unwrap().1.to_owned();
            (name, (fields[37].parse().unwrap(), fields[38].parse().unwrap()))
        };
        threads.map(|entry| thread(entry.unwrap().path())).collect()
    }

    /// Sends `signal` and waits for the end; gives how it ended and what it left.
    pub fn end(mut self, signal: Signal) -> (ExitStatus, TempDir) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        wait("the router's end", || self.child.try_wait().unwrap().is_some());
        let left = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (self.child.wait().unwrap(), left)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // Its id is its own until it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the router's log:\n{}", self.log());
        }
    }
}
