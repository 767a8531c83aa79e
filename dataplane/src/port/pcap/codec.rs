//! The classic capture file: a header, then records (draft-ietf-opsawg-pcap).
//!
//! ```text
//! file:    magic u32 | major u16 | minor u16 | 0 u32 | 0 u32 | snapshot length u32 | link type u32
//! record:  seconds u32 | fraction u32 | bytes here u32 | bytes on the line u32 | bytes
//! ```
//!
//! The magic number tells the byte order and whether fractions are microseconds
//! or nanoseconds. Frames are written with nanoseconds, most significant byte last.

use std::io::{self, Read, Write};

use crate::time::Time;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
const PCAPNG: u32 = 0x0a0d_0d0a;
const ETHERNET: u32 = 1;
/// The link type's bit that says how long an FCS each frame ends with.
const FCS_KNOWN: u32 = 1 << 26;
/// The longest record that is taken for one, in bytes.
pub const LONGEST: u32 = 262_144;
const SECOND: u64 = 1_000_000_000;

/// Why a capture file, or the rest of one, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It does not start with a capture file's magic number.
    #[error("not a capture file")]
    NotCapture,
    /// The newer format.
    #[error("a pcapng file; convert it to the classic format first (editcap -F pcap)")]
    Pcapng,
    /// Something other than Ethernet was captured; the link type is given.
    #[error("link type {0}, which is not Ethernet (1)")]
    LinkType(u32),
    /// A record longer than [`LONGEST`], in bytes.
    #[error("a record of {0} bytes, which is not one")]
    Record(u32),
    /// The file ends within a record, or cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was captured, since 1970.
    pub time: Time,
    /// Bytes in the file, FCS not counted.
    pub len: u32,
    /// Bytes on the line, FCS not counted.
    pub original: u32,
    /// Bytes of FCS behind them.
    fcs: u32,
}

/// Reads a capture.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    swapped: bool,
    /// Nanoseconds of one unit of the fraction.
    unit: u64,
    fcs: u32,
}

fn word(bytes: &[u8], at: usize, swapped: bool) -> u32 {
    let read = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
    if swapped { read.swap_bytes() } else { read }
}

impl<R: Read> Reader<R> {
    /// Reads the file's header.
    ///
    /// # Errors
    /// [`FormatError`] when it is not one of Ethernet frames in the classic format.
    pub fn new(mut input: R) -> Result<Self, FormatError> {
        let mut header = [0; 24];
        input.read_exact(&mut header).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => FormatError::NotCapture,
            _ => FormatError::Io(e),
        })?;
        let magic = word(&header, 0, false);
        let swapped = matches!(magic.swap_bytes(), MICROSECONDS | NANOSECONDS);
        let unit = match word(&header, 0, swapped) {
            MICROSECONDS => 1000,
            NANOSECONDS => 1,
            PCAPNG => return Err(FormatError::Pcapng),
            _ => return Err(FormatError::NotCapture),
        };
        let link = word(&header, 20, swapped);
        if link & 0xffff != ETHERNET {
            return Err(FormatError::LinkType(link & 0xffff));
        }
        let fcs = if link & FCS_KNOWN != 0 { (link >> 28) * 2 } else { 0 };
        Ok(Self { input, swapped, unit, fcs })
    }

    /// The next record's header; `None` at the end of the file. Its bytes must
    /// be taken by [`Reader::take`] before the next.
    ///
    /// # Errors
    /// [`FormatError`] when the file ends within it or it cannot be one.
    pub fn record(&mut self) -> Result<Option<Record>, FormatError> {
        let mut header = [0; 16];
        let first = loop {
            match self.input.read(&mut header) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if first == 0 {
            return Ok(None);
        }
        self.input.read_exact(header.get_mut(first..).unwrap_or_default())?;
        let field = |at| word(&header, at, self.swapped);
        let (len, original) = (field(8), field(12));
        if len > LONGEST {
            return Err(FormatError::Record(len));
        }
        let time = u64::from(field(0)) * SECOND + u64::from(field(4)) * self.unit;
        // A cut record's FCS, or a part of it, was cut off first.
        let here = self.fcs.saturating_sub(original.saturating_sub(len)).min(len);
        let original = original.saturating_sub(self.fcs);
        Ok(Some(Record { time: Time(time), len: len - here, original, fcs: here }))
    }

    /// Takes the bytes of `record`: as many as fit into `bytes`, the others are dropped.
    ///
    /// # Errors
    /// [`FormatError::Io`] when the file ends before.
    pub fn take(&mut self, record: &Record, bytes: &mut [u8]) -> Result<(), FormatError> {
        let here = bytes.len().min(record.len as usize);
        self.input.read_exact(bytes.get_mut(..here).unwrap_or_default())?;
        let rest = u64::from(record.len) - here as u64 + u64::from(record.fcs);
        let skipped = io::copy(&mut self.input.by_ref().take(rest), &mut io::sink())?;
        if skipped < rest { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) } else { Ok(()) }
    }
}

/// Writes a capture.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
}

impl<W: Write> Writer<W> {
    /// Writes the file's header.
    ///
    /// # Errors
    /// What the output says.
    pub fn new(mut output: W) -> io::Result<Self> {
        let mut header = [0; 24];
        let fields = [NANOSECONDS, 2 | 4 << 16, 0, 0, LONGEST, ETHERNET];
        for (to, field) in header.chunks_exact_mut(4).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        output.write_all(&header)?;
        Ok(Self { output })
    }

    /// Writes one frame, captured at `time` since 1970.
    ///
    /// # Errors
    /// What the output says.
    pub fn write(&mut self, time: Time, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u32;
        let mut header = [0; 16];
        let fields = [(time.0 / SECOND) as u32, (time.0 % SECOND) as u32, len, len];
        for (to, field) in header.chunks_exact_mut(4).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        self.output.write_all(&header)?;
        self.output.write_all(bytes)
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// What the output says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
