//! The peer's process: built from `peers/dpdk/`, started once, asked for one repetition
//! at a time, and at rest in between.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Took;

/// Memory for its packets, trees and tables, MiB.
const MEMORY: u64 = 2048;

/// DPDK's libraries behind a pipe.
pub(super) struct Peer {
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// "DPDK 22.11.11"
    pub(super) version: String,
    /// TSC ticks a nanosecond.
    pub(super) ticks_per_ns: f64,
    /// Whether its memory is in huge pages.
    pub(super) huge_pages: bool,
}

/// Builds it if it is not built yet, and starts it on `core`; or says what is missing.
pub(super) fn start(core: usize) -> Result<Peer, String> {
    let program = build()?;
    let huge_pages = free_huge_pages() * 2 >= MEMORY;
    let mut command = Command::new(program);
    command.args(["-l", &core.to_string(), "--no-pci", "--no-telemetry", "--no-shconf", "--log-level=4"]);
    // Its widest look-ups are chosen only where they are allowed.
    command.arg("--force-max-simd-bitwidth=512");
    match huge_pages {
        true => command.args(["--in-memory", "-m", &MEMORY.to_string()]),
        false => command.args(["--no-huge", "-m", &MEMORY.to_string()]),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().map_err(|e| format!("the peer does not start: {e}"))?;
    let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
        return Err("the peer has no pipes".into());
    };
    let mut answers = BufReader::new(answers).lines();
    let ready = answers.next().and_then(Result::ok).unwrap_or_default();
    let mut words = ready.splitn(3, ' ');
    let (Some("ready"), Some(Ok(hz)), Some(version)) =
        (words.next(), words.next().map(str::parse::<f64>), words.next())
    else {
        return Err("the peer does not start; DPDK needs 2 GiB of memory, and to be root".into());
    };
    let version = version.into();
    Ok(Peer { process, questions, answers, version, ticks_per_ns: hz / 1e9, huge_pages })
}

impl Peer {
    /// One repetition of what is called `name`.
    pub(super) fn measure(&mut self, name: &str) -> Result<Took, String> {
        let asked = writeln!(self.questions, "{name}").and_then(|()| self.questions.flush());
        let answer = self.answers.next().and_then(Result::ok);
        let (Ok(()), Some(answer)) = (asked, answer) else { return Err("the peer has ended".into()) };
        let mut words = answer.splitn(4, ' ');
        let (Some(called), Some(Ok(ns))) = (words.next(), words.next().map(str::parse)) else {
            return Err(format!("the peer says: {answer}"));
        };
        if called != name {
            return Err(format!("the peer says: {answer}"));
        }
        Ok(Took { ns, more: words.nth(1).unwrap_or_default().into() })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends by itself when nobody asks any more; one that does not is ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_huge_pages() -> u64 {
    let text = fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    text.ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0)
}

/// Writes a file beside the peer's program, for it to read. One that cannot be written it
/// will miss, and say so.
pub(super) fn tell(name: &str, bytes: impl Iterator<Item = u8>) {
    if let Ok(own) = std::env::current_exe() {
        let _ = fs::write(own.with_file_name(name), bytes.collect::<Vec<u8>>());
    }
}

/// The peer's program, beside this one.
fn build() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/dpdk");
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let program = own.with_file_name("peer_dpdk");
    let files = sources(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let changed = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
    let newest = files.iter().filter_map(|file| changed(file)).max();
    if changed(&program).is_some_and(|built| newest.is_some_and(|written| built > written)) {
        return Ok(program);
    }
    let missing = "DPDK is not installed: benches/peers/install installs it";
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "libdpdk"]).output();
    let flags = flags.ok().filter(|o| o.status.success()).ok_or(missing)?;
    let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
    let mut cc = Command::new("cc");
    cc.args(["-O3", "-march=native", "-DALLOW_EXPERIMENTAL_API", "-o"]).arg(&program);
    cc.args(files.iter().filter(|file| file.extension().is_some_and(|e| e == "c")));
    let built =
        cc.args(flags.split_whitespace()).arg("-lm").output().map_err(|e| format!("no C compiler: {e}"))?;
    if !built.status.success() {
        return Err(format!("the peer does not build: {}", String::from_utf8_lossy(&built.stderr)));
    }
    Ok(program)
}

/// Every file of `folder`, in order.
fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let files: std::io::Result<Vec<_>> = fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect();
    files.map(|mut files| {
        files.sort();
        files
    })
}
