//! DPDK's testpmd as the other end of memif ports: it makes frames, takes them or gives them
//! back, without huge pages and without a device of the machine.

use std::io::Read;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long it may take to end once it has no more input.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running testpmd; it ends with this.
#[derive(Debug)]
pub struct Testpmd {
    process: Child,
    orders: Option<ChildStdin>,
}

impl Testpmd {
    /// Starts one with memif devices of these settings (`role=…,socket=…`) and these arguments of
    /// its own; `None`, said loudly, where it is not installed.
    pub fn start(devices: &[String], arguments: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let device =
            |(n, settings): (usize, &String)| format!("--vdev=net_memif{n},socket-abstract=no,{settings}");
        let started = Command::new("dpdk-testpmd")
            .args([
                "--lcores",
                "0@0,1@0",
                "--no-huge",
                "-m",
                "128",
                "--no-pci",
                "--no-shconf",
                "--no-telemetry",
            ])
            .arg(format!("--file-prefix=viaduct-{}-{count}", std::process::id()))
            .arg("--log-level=4")
            .args(devices.iter().enumerate().map(device))
            // What comes before it forwards is not thrown away.
            .args(["--", "--total-num-mbufs=8192", "--auto-start", "--no-flush-rx"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = started else {
            eprintln!("SKIPPED: dpdk-testpmd is not installed (Debian: apt-get install dpdk-dev)");
            return None;
        };
        let orders = process.stdin.take();
        Some(Self { process, orders })
    }

    /// Whether it has not ended yet.
    pub fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Ends it without a word, as a process that dies.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it, and gives all that it said, its counts last.
    pub fn end(mut self) -> String {
        self.stop();
        let mut said = String::new();
        if let Some(mut out) = self.process.stdout.take() {
            let _ = out.read_to_string(&mut said);
        }
        said
    }

    /// It ends when it has no more input; one that does not is ended.
    fn stop(&mut self) {
        drop(self.orders.take());
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && self.runs() {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }
}

impl Drop for Testpmd {
    fn drop(&mut self) {
        self.stop();
    }
}
