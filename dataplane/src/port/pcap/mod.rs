//! Capture files as a port: what one holds is received, what is sent is written to one.

mod codec;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

pub use codec::{FormatError, LONGEST, Reader, Record, Writer};

use super::{Link, OpenError, Port, PortStats};
use crate::packet::{Batch, Frame, Pool};
use crate::time::Time;

/// Nanoseconds after which written frames are handed to the file system.
const FLUSH: u64 = 100_000_000;

/// What a capture port reads and writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PcapOptions {
    /// The file whose frames are received; none are where there is none.
    pub read: Option<PathBuf>,
    /// The file the sent frames are written to, made anew; they are forgotten where there is none.
    pub write: Option<PathBuf>,
    /// Receive the frames as far apart as they were captured, the first at
    /// once; all as fast as they are taken unless told.
    pub paced: bool,
    /// The router's time zero in nanoseconds since 1970, for the written time stamps.
    pub epoch: u64,
}

/// What is still to be read.
#[derive(Debug)]
struct Source {
    reader: Reader<BufReader<File>>,
    /// The record whose bytes come next.
    next: Record,
    /// The first record's time and when it was received.
    started: Option<(Time, Time)>,
}

/// Capture files as a port of one queue, whose line is always up.
#[derive(Debug)]
pub struct Pcap {
    source: Option<Source>,
    sink: Option<Writer<BufWriter<File>>>,
    paced: bool,
    epoch: u64,
    /// When what was written must be handed on; `NEVER` when nothing was.
    flush_due: Time,
    stats: PortStats,
}

/// Opens the files of `options`.
///
/// # Errors
/// [`OpenError`] when a file cannot be opened, or the one to read is not a
/// classic capture of Ethernet frames.
pub fn open(options: &PcapOptions) -> Result<Pcap, OpenError> {
    let source = options.read.as_deref().map(source).transpose()?.flatten();
    let sink = options.write.as_deref().map(sink).transpose()?;
    let (paced, epoch) = (options.paced, options.epoch);
    Ok(Pcap { source, sink, paced, epoch, flush_due: Time::NEVER, stats: PortStats::default() })
}

fn source(path: &Path) -> Result<Option<Source>, OpenError> {
    let device = || path.display().to_string();
    let file = File::open(path).map_err(|source| OpenError::System {
        device: device(),
        action: "opening the capture file",
        source,
    })?;
    let unreadable = |e: FormatError| OpenError::Unsupported { device: device(), what: e.to_string() };
    let mut reader = Reader::new(BufReader::new(file)).map_err(unreadable)?;
    let first = reader.record().map_err(unreadable)?;
    Ok(first.map(|next| Source { reader, next, started: None }))
}

fn sink(path: &Path) -> Result<Writer<BufWriter<File>>, OpenError> {
    File::create(path).and_then(|file| Writer::new(BufWriter::new(file))).map_err(|source| {
        OpenError::System { device: path.display().to_string(), action: "making the capture file", source }
    })
}

impl Source {
    /// Whether the next frame's time has come.
    fn due(&mut self, now: Time, paced: bool) -> bool {
        let (first, start) = *self.started.get_or_insert((self.next.time, now));
        !paced || self.next.time.since(first) <= now.since(start)
    }
}

impl Pcap {
    /// Whether every frame of the file has been received.
    pub fn finished(&self) -> bool {
        self.source.is_none()
    }

    /// Takes the next frame's bytes and goes on to the record behind it; `false`
    /// when the file ends before they do.
    fn take(&mut self, bytes: &mut [u8]) -> bool {
        let Some(source) = &mut self.source else { return false };
        let taken = source.reader.take(&source.next, bytes);
        let whole = taken.is_ok();
        match taken.and_then(|()| source.reader.record()) {
            Ok(Some(record)) => source.next = record,
            Ok(None) => self.source = None,
            Err(e) => {
                // What follows cannot be told apart any more.
                tracing::warn!(error = %e, "the capture file ends here");
                self.stats.missed += 1;
                self.stats.received -= u64::from(!whole);
                self.source = None;
            }
        }
        whole
    }

    /// Takes the next frame into `frame`; `false` when it does not fit or is not whole.
    fn take_whole(&mut self, frame: &mut Frame) -> bool {
        let Some(record) = self.source.as_ref().map(|source| source.next) else { return false };
        let fits = frame.set_len(record.len as usize).is_ok();
        if fits && record.len >= record.original {
            return self.take(frame.bytes_mut());
        }
        if !self.take(&mut []) {
            return false;
        }
        if record.len < record.original {
            // It was cut when it was captured.
            self.stats.missed += 1;
            self.stats.received -= 1;
        } else {
            self.stats.too_long += 1;
        }
        false
    }
}

impl Port for Pcap {
    fn receive(&mut self, now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        let before = batch.len();
        for _ in 0..batch.room() {
            if !self.source.as_mut().is_some_and(|source| source.due(now, self.paced)) {
                break;
            }
            self.stats.received += 1;
            let Some(mut frame) = pool.get() else {
                self.stats.pool_empty += u64::from(self.take(&mut []));
                continue;
            };
            if !self.take_whole(&mut frame) {
                pool.put(frame);
                continue;
            }
            if let Err(frame) = batch.push(frame) {
                pool.put(frame);
            }
        }
        batch.len() - before
    }

    fn transmit(&mut self, now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        let time = Time(self.epoch.saturating_add(now.0));
        let taken = batch.len();
        for frame in batch.drain() {
            match self.sink.as_mut().map_or(Ok(()), |sink| sink.write(time, frame.bytes())) {
                Ok(()) => self.stats.sent += 1,
                Err(_) => self.stats.send_failed += 1,
            }
            pool.put(frame);
        }
        if self.sink.is_some() && taken > 0 {
            self.flush_due = self.flush_due.min(Time(now.0.saturating_add(FLUSH)));
        }
        taken
    }

    fn poll(&mut self, now: Time) {
        if now >= self.flush_due {
            self.flush_due = Time::NEVER;
            if let Some(sink) = &mut self.sink {
                // A full disk is counted frame by frame; what was buffered is gone.
                let _ = sink.flush();
            }
        }
    }

    fn link(&self) -> Link {
        Link { up: true, present: true }
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn mac(&self) -> Option<[u8; 6]> {
        None
    }
}
