//! A process of DPDK's that the memif lines are measured with.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long another process may take to start.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A process of DPDK's, asked by lines and answering by lines.
pub(super) struct Process {
    process: Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    pub(super) fn start(mut command: Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process =
            command.spawn().map_err(|e| format!("{name}: {e}; benches/peers/install installs it"))?;
        let (to, lines) = channel();
        if let Some(out) = process.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| to.send(line))
            });
        }
        Ok(Self { orders: process.stdin.take(), process, lines })
    }

    pub(super) fn order(&mut self, words: &str) -> Result<(), String> {
        let orders = self.orders.as_mut().ok_or("it has no input")?;
        writeln!(orders, "{words}").and_then(|()| orders.flush()).map_err(|e| format!("testpmd: {e}"))
    }

    /// Frames that came to both ports so far, and when that was.
    pub(super) fn received(&mut self) -> Result<(u64, Instant), String> {
        while self.lines.try_recv().is_ok() {}
        self.order("show port stats all")?;
        let (mut sum, end) = (0, Instant::now() + PATIENCE);
        for _ in 0..2 {
            loop {
                let left = end.saturating_duration_since(Instant::now());
                let line = self.lines.recv_timeout(left).map_err(|why| match why {
                    RecvTimeoutError::Timeout => "testpmd does not answer".to_owned(),
                    RecvTimeoutError::Disconnected => "testpmd has ended".to_owned(),
                })?;
                let count =
                    line.split_once("RX-packets:").and_then(|(_, rest)| rest.split_whitespace().next());
                if let Some(Ok(count)) = count.map(str::parse::<u64>) {
                    sum += count;
                    break;
                }
            }
        }
        Ok((sum, Instant::now()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.order("quit");
        drop(self.orders.take());
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        // l3fwd knows no orders.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
