//! Running the program, and a router process of its own for each test that asks one.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Asserts that it was done, and gives what it printed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        assert!(!self.out.contains('\x1b'), "escapes in a pipe: {self:?}");
        self.out
    }

    /// Asserts that it was done, and gives the JSON it printed.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }

    /// Asserts the exit code, and gives what it said about it.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(!self.err.contains('\x1b'), "escapes in a pipe: {self:?}");
        self.err
    }
}

/// Runs `viaduct` with these words.
pub(crate) fn viaduct(words: &[&str]) -> Ran {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_viaduct"));
    let output = command.args(words).timeout(PATIENCE).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A path in the workspace.
pub(crate) fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A router process on a socket of its own; it ends with the test.
pub(crate) struct Router {
    child: Child,
    folder: tempfile::TempDir,
}

impl Router {
    /// Starts one by the configuration `text`, and waits until it answers.
    pub(crate) fn start(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (config, socket) = (folder.path().join("r.toml"), folder.path().join("s"));
        std::fs::write(&config, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_viaduct"))
            .args(["daemon", "--config"])
            .arg(&config)
            .arg("--socket")
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut router = Self { child, folder };
        router.until("the router answers", |r| {
            assert!(r.child.try_wait().unwrap().is_none(), "the router ended");
            UnixStream::connect(r.path("s")).is_ok() && r.run(&["show", "version"]).code == 0
        });
        router
    }

    /// A file in its folder; its configuration is `r.toml`, its socket `s`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into its folder; gives its name.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().into()
    }

    /// Runs a command against it.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let socket = self.path("s");
        let mut all = words.to_vec();
        all.extend(["--socket", socket.to_str().unwrap()]);
        viaduct(&all)
    }

    /// The generation that it forwards by.
    pub(crate) fn generation(&self) -> u64 {
        self.run(&["show", "version", "--json"]).json()["generation"].as_u64().unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until `is` says so.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut is: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < end, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.until("the router ends", |r| r.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
