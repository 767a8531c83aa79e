//! End to end through shared memory: testpmd (flowgen, two memif ports, one thread) →
//! router → the same testpmd, 64-byte frames of 1,024 flows to two prefixes.
//!
//! DPDK's l3fwd looks up in an LPM table. Beside it Viaduct does all that a site's router does
//! (`memif-l3fwd`), which l3fwd does not: match rules, a meter, a Vrf, rates of ports and interfaces that
//! every frame is held to in queues of its flow; and what is nearest to l3fwd's own work (`memif-plain`):
//! it classifies, looks up in a Vrf and has a tree for each port, without rates (`memif-zero-l3fwd`: as that, of frames
//! of 1,500 bytes, both as clients that do without copies, of servers that testpmd is). Each has one core to
//! itself, testpmd's thread the other; where the two are threads of one physical core, as
//! on small virtual machines, they share its units in the same way. Where the host moves them nearer to each other
//! or farther apart while a round is measured, that says more than what forwards, and the round is made again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use control::api::types::ConfigText;
use control::config;
use control::engine::{self, Engine};
use dataplane::router::{Options, Router, Running};

use benches::{cores, cpu};

use super::process::{PATIENCE, Process};
use super::{How, Line, Took};

/// Until a router that listens takes clients.
const SETTLE: Duration = Duration::from_millis(1000);
/// Before frames are counted: links come up, addresses are looked for on them.
const WARM: Duration = Duration::from_millis(3000);
/// While they are.
const COUNTED: Duration = Duration::from_millis(2000);
/// How often a round is made at the most, until the cores stay as near each other as they were.
const TRIES: usize = 3;
/// Ways of a cache line there and back that tell how near they are.
const TRIPS: usize = 20_000;
/// What every DPDK process is told.
const EAL: [&str; 7] =
    ["--no-huge", "-m", "256", "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=4"];

/// What ours does with a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// What l3fwd does.
    Forwards,
    /// All that a site's router does.
    Everything,
    /// What l3fwd does, without copies at this end.
    Lends,
}

/// The comparisons.
pub(super) fn lines() -> Vec<Line> {
    let line = |name, work| Line { name, unit: "ns/frame", peer: "l3fwd", how: How::Between(work) };
    vec![
        line("memif-l3fwd", Work::Everything),
        line("memif-plain", Work::Forwards),
        line("memif-zero-l3fwd", Work::Lends),
    ]
}

/// What forwards.
pub(super) struct Stand {
    work: Work,
    folder: PathBuf,
    /// The core of the router, and that of testpmd.
    cores: (usize, usize),
    l3fwd: PathBuf,
}

impl Stand {
    /// A place for sockets; or what is missing.
    pub(super) fn new(core: usize, work: Work) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let l3fwd = own.with_file_name("l3fwd");
        if !l3fwd.exists() {
            return Err(format!("there is no l3fwd: benches/peers/l3fwd {} builds it", l3fwd.display()));
        }
        let other = if core == 0 { 1 } else { core - 1 };
        if !Path::new(&format!("/sys/devices/system/cpu/cpu{other}")).exists() {
            return Err("it takes two cores".into());
        }
        let folder = std::env::temp_dir().join(format!("viaduct-compare-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Self { work, folder, cores: (core, other), l3fwd })
    }

    fn socket(&self, port: usize) -> PathBuf {
        self.folder.join(format!("{port}.sock"))
    }

    /// A memif device of a DPDK process.
    fn device(&self, port: usize, role: &str) -> String {
        format!(
            "--vdev=net_memif{port},role={role},socket={},socket-abstract=no",
            self.socket(port).display()
        )
    }

    /// One repetition of ours and one of l3fwd, both with the cores as near each other, as far as may be.
    pub(super) fn round(&self) -> Result<(Took, Took), String> {
        let mut way = [self.way(); 3];
        let mut tries = TRIES;
        loop {
            let ours = self.ours()?;
            way[1] = self.way();
            let theirs = self.theirs()?;
            way[2] = self.way();
            tries -= 1;
            let [least, most] =
                [way.into_iter().fold(f64::NAN, f64::min), way.into_iter().fold(f64::NAN, f64::max)];
            if tries == 0 || most < 2.0 * least {
                let said = format!("; a cache line there and back in {least:.0} to {most:.0} ns");
                return Ok((Took { more: ours.more + &said, ..ours }, theirs));
            }
            way[0] = way[2];
        }
    }

    /// Nanoseconds that a cache line takes from one of the cores to the other and back.
    fn way(&self) -> f64 {
        let of = [self.cores.0, self.cores.1];
        cores::there_and_back(TRIPS, |end| {
            // What cannot be pinned is measured where it runs.
            let _ = cpu::pin(of[end % 2]);
        })
    }

    /// One repetition of ours.
    fn ours(&self) -> Result<Took, String> {
        if self.work == Work::Lends {
            let mut testpmd = self.serve()?;
            let router = Ours::start(self)?;
            let took = count(&mut testpmd, || router.follow())?;
            return Ok(Took { more: format!("{} {}", took.more, router.outcome()), ..took });
        }
        let router = Ours::start(self)?;
        let took = self.load(|| router.follow())?;
        Ok(Took { more: format!("{} {}", took.more, router.outcome()), ..took })
    }

    /// One repetition of l3fwd.
    fn theirs(&self) -> Result<Took, String> {
        let rules = self.folder.join("v4");
        let none = self.folder.join("v6");
        std::fs::write(&rules, "R10.253.0.0/23 0\nR10.253.2.0/23 1\n").map_err(|e| e.to_string())?;
        std::fs::write(&none, "R2001:db8::/64 0\n").map_err(|e| e.to_string())?;
        let mut command = Command::new(&self.l3fwd);
        command.args(["--lcores", &format!("0@{}", self.cores.0)]).args(EAL);
        command.arg(format!("--file-prefix=viaduct-l3fwd-{}", std::process::id()));
        let lends = self.work == Work::Lends;
        let mut testpmd = if lends { Some(self.serve()?) } else { None };
        if lends {
            command.arg("--single-file-segments");
            command.args([0, 1].map(|port| self.device(port, "client") + ",zero-copy=yes"));
        } else {
            command.args([self.device(0, "server"), self.device(1, "server")]);
        }
        command.args(["--", "-P", "-p", "0x3", "--config=(0,0,0),(1,0,0)", "--parse-ptype", "--lookup=lpm"]);
        command.arg(format!("--rule_ipv4={}", rules.display()));
        command.arg(format!("--rule_ipv6={}", none.display()));
        let _l3fwd = Process::start(command)?;
        match &mut testpmd {
            Some(testpmd) => count(testpmd, || {}),
            None => self.load(|| {}),
        }
    }

    /// Loads what listens, and counts what comes back.
    fn load(&self, meanwhile: impl Fn()) -> Result<Took, String> {
        self.listened_at("the router")?;
        count(&mut self.testpmd("client", "--txpkts=64")?, meanwhile)
    }

    /// A testpmd that makes frames of 1,500 bytes for the clients that connect.
    fn serve(&self) -> Result<Process, String> {
        (0..2).for_each(|port| drop(std::fs::remove_file(self.socket(port))));
        let testpmd = self.testpmd("server", "--txpkts=1500")?;
        self.listened_at("testpmd").map(|()| testpmd)
    }

    /// Waits until somebody listens at both sockets.
    fn listened_at(&self, by: &str) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while !(self.socket(0).exists() && self.socket(1).exists()) {
            if Instant::now() > end {
                return Err(format!("{by} does not listen"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Its sockets are there before the rest of it.
        std::thread::sleep(SETTLE);
        Ok(())
    }

    /// A testpmd that makes frames.
    fn testpmd(&self, role: &str, frames: &str) -> Result<Process, String> {
        let mut command = Command::new("stdbuf");
        command.args(["-oL", "dpdk-testpmd"]);
        command.args(["--lcores", &format!("0@{0},1@{0}", self.cores.1)]).args(EAL);
        command.arg(format!("--file-prefix=viaduct-testpmd-{}", std::process::id()));
        command.args([self.device(0, role), self.device(1, role)]);
        command.args(["--", "-i", "--total-num-mbufs=16384", "--forward-mode=flowgen", frames]);
        Process::start(command)
    }
}

/// Has testpmd make frames, and counts those that come back.
fn count(testpmd: &mut Process, meanwhile: impl Fn()) -> Result<Took, String> {
    testpmd.order("start")?;
    // It answers once it has connected.
    testpmd.received()?;
    let until = Instant::now() + WARM;
    while Instant::now() < until {
        meanwhile();
        std::thread::sleep(Duration::from_millis(50));
    }
    let (before, start) = testpmd.received()?;
    std::thread::sleep(COUNTED);
    let (after, stop) = testpmd.received()?;
    let frames = after.saturating_sub(before);
    if frames == 0 {
        return Err("no frame came back".into());
    }
    let took = stop.duration_since(start).as_nanos() as f64;
    Ok(Took { ns: took / frames as f64, more: format!("{:.2} Mpps", frames as f64 * 1e3 / took) })
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A Viaduct in this process, its worker on a core of its own.
struct Ours {
    engine: Engine,
    running: Option<Running>,
}

impl Ours {
    fn start(stand: &Stand) -> Result<Self, String> {
        let text = ConfigText { text: configuration(stand), file: "memif".into() };
        let config = config::parse(&text.text, &text.file).map_err(|e| e.to_string())?;
        let size = engine::size(&config);
        let router = Router::new(size).map_err(|e| e.to_string())?;
        let engine = Engine::new(router.handle().clone(), size, config.router.clone());
        let options = Options { cores: vec![stand.cores.0], ..engine::options(&config) };
        let running = router.start(options).map_err(|e| e.to_string())?;
        engine.apply(&text).map_err(|refusal| refusal.message)?;
        Ok(Self { engine, running: Some(running) })
    }

    /// Routes follow links.
    fn follow(&self) {
        let _ = self.engine.follow_links();
    }

    /// That it did what it was asked to: drops, by reason.
    fn outcome(&self) -> String {
        let mut said = String::new();
        for row in self.engine.drops().rows.iter().filter(|row| row.count > 0).take(4) {
            let _ = write!(said, "{}={} ", row.reason, row.count);
        }
        if said.is_empty() { "no drops".into() } else { said.trim_end().into() }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.engine.close();
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

/// What an interface has beside its addresses where everything is done.
const SITE: &str = r#"
            police.standard.meter = "all"
            [interface.qos]
            rate = "50 Gbit/s"
            guaranteed = "10 Gbit/s"
"#;

/// A Vrf and a route to each port; where everything is done, rules before the one that matches, policed
/// and metered classes, a tree with rates too.
fn configuration(stand: &Stand) -> String {
    let all = stand.work == Work::Everything;
    let mut text = String::from("[router]\nmode = \"busy\"\nbuffers = 16384\n[[vrf]]\nname = \"red\"\n");
    for port in 0..2 {
        let socket = stand.socket(port);
        let _ = write!(
            text,
            r#"
            [[port]]
            name = "p{port}"
            kind = "memif"
            {}
            socket = "{}"
            mode = "poll"
            {}
            [[interface]]
            name = "p{port}"
            vrf = "red"
            addresses = ["10.0.{port}.1/24"]
            mac = "00:01:02:03:04:01"     # that flowgen sends to
            {}
            [[neighbour]]
            interface = "p{port}"
            address = "10.0.{port}.2"
            mac = "02:00:00:00:00:{port:02}"
            [[route]]
            vrf = "red"
            prefix = "10.253.{}.0/23"
            via = "10.0.{port}.2"
            "#,
            if stand.work == Work::Lends {
                "role = \"client\"\nzero-copy = true"
            } else {
                "role = \"server\""
            },
            Path::new(&socket).display(),
            if all { "rate = \"100 Gbit/s\"" } else { "" },
            if all { SITE } else { "" },
            2 * port,
        );
    }
    if !all {
        return text;
    }
    text.push_str("[[meter]]\nname = \"all\"\nkind = \"trtcm\"\ncir = \"40 Gbit/s\"\npir = \"50 Gbit/s\"\n");
    for n in 0..10 {
        let _ = write!(
            text,
            "[[rule]]\nname = \"r{n}\"\nprotocol = \"udp\"\ndestination-port = {}\nclass = \"voice\"\n",
            5000 + n
        );
    }
    text
}
