//! `viaduct demo`, the program itself: what it promises on real interfaces and in
//! virtual time, and that nothing is left when it is killed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use testbed::demo;
use testbed::report::{DemoReport, Mode};

use dataplane::class::TrafficClass;

/// Runs on the real clock: a machine that does something else for too long
/// spoils one, not all of them.
const ATTEMPTS: usize = 3;

fn viaduct(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_viaduct"));
    command.arg("demo").args(arguments).stdin(Stdio::null());
    command
}

fn report(arguments: &[&str]) -> Result<DemoReport, String> {
    let output = viaduct(arguments).output().map_err(|e| e.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{}: {said}", output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("{e}: {said}"))
}

/// Everything the demonstration is held to.
fn judge(report: &DemoReport, mode: Mode) -> Result<(), String> {
    let (on, off) = (&report.with_qos, &report.without_qos);
    let (voice, before) = (on.class(TrafficClass::Voice), off.class(TrafficClass::Voice));
    let (mos, mos_before) = (voice.mos.unwrap_or(0.0), before.mos.unwrap_or(5.0));
    let held = [
        (report.mode == mode, "the mode"),
        (voice.sent > 1_000, "thirty calls"),
        (voice.lost == 0, "zero voice loss"),
        (mos >= 4.3, "MOS at least 4.3"),
        (on.transfer.ratio() <= 1.10, "the transfer within 1.10 of ideal"),
        (mos - mos_before >= 0.3, "calls visibly worse without QoS"),
    ];
    let broken: Vec<_> = held.iter().filter(|(held, _)| !held).map(|(_, what)| *what).collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("not held: {broken:?}\n{report:#?}")) }
}

/// One at a time: they measure time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn root() -> bool {
    let (mode, why) = demo::available();
    if let Some(why) = why {
        eprintln!("SKIPPED: no network namespaces here: {why}");
    }
    mode == Mode::Namespaces
}

#[test]
fn in_virtual_time_every_promise_is_kept() {
    let _alone = alone();
    judge(&report(&["--virtual", "--json", "--seconds", "20"]).unwrap(), Mode::Virtual).unwrap();
}

#[test]
fn on_real_interfaces_every_promise_is_kept() {
    let _alone = alone();
    if !root() {
        return;
    }
    let mut tried = Vec::new();
    while tried.len() < ATTEMPTS {
        match report(&["--json", "--seconds", "16"]).and_then(|r| judge(&r, Mode::Namespaces)) {
            Ok(()) => return,
            Err(why) => tried.push(why),
        }
    }
    panic!("{}", tried.join("\n"));
}

/// Where the first router of the demonstration with this process id listens.
fn socket(demonstration: &Child) -> PathBuf {
    std::env::temp_dir().join(format!("viaduct-demonstration-{}-0.sock", demonstration.id()))
}

/// Processes that were given `socket` on their command line.
fn holders(socket: &std::path::Path) -> usize {
    let name = socket.to_string_lossy().into_owned();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(&name)).count()
}

fn wait(what: &str, mut until: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !until() {
        assert!(Instant::now() < end, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_demonstration_leaves_nothing() {
    let _alone = alone();
    if !root() {
        return;
    }
    let mut demonstration = viaduct(&[]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let socket = socket(&demonstration);
    wait("the router's start", || socket.exists());
    assert_eq!(holders(&socket), 1);
    demonstration.kill().unwrap();
    demonstration.wait().unwrap();
    wait("the router's end", || holders(&socket) == 0);
    assert!(!socket.exists());
}

#[test]
fn an_interrupted_demonstration_says_so_and_clears_up() {
    let _alone = alone();
    if !root() {
        return;
    }
    let mut demonstration = viaduct(&[]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let socket = socket(&demonstration);
    wait("the router's start", || socket.exists());
    let id = i32::try_from(demonstration.id()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(demonstration.wait().unwrap().code(), Some(1));
    assert_eq!((holders(&socket), socket.exists()), (0, false));
}
