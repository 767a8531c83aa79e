//! Frames from a capture file, pcap or pcapng.

use std::fmt::Write;
use std::path::Path;

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{DataLink, PcapError};

use crate::output::ODD;

/// Bytes of the longest frame: a jumbo datagram, labels and tags.
const LONGEST: usize = 9_200;
/// How a pcapng file starts: the type of a section header block.
const NEXT_GENERATION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The frames of the file, or the one with this number; the first is 1.
///
/// # Errors
/// What is wrong with the file, or that it has no such packet.
pub(super) fn read(file: &Path, only: Option<u64>) -> Result<Vec<String>, String> {
    let frames = load(file, Frames { only, cut: false, seen: 0, kept: Vec::new(), ends: false })?;
    Ok(frames.iter().map(|frame| hex(frame)).collect())
}

/// All frames of the file as bytes; what was cut off in capturing is zeros.
///
/// # Errors
/// What is wrong with the file, or that it has none.
pub(crate) fn whole(file: &Path) -> Result<Vec<Vec<u8>>, String> {
    load(file, Frames { only: None, cut: true, seen: 0, kept: Vec::new(), ends: false })
}

fn load(file: &Path, mut frames: Frames) -> Result<Vec<Vec<u8>>, String> {
    let name = file.display();
    let bytes = std::fs::read(file).map_err(|e| format!("{name}: {e}; name a capture file"))?;
    let read = match bytes.starts_with(&NEXT_GENERATION) {
        true => next_generation(&bytes, &mut frames),
        false => classic(&bytes, &mut frames),
    };
    read.map_err(|e| format!("{name}: {e}"))?;
    if frames.ends {
        anstream::eprintln!(
            "{ODD}warning:{ODD:#} {name}: the file ends within packet {}; the {} before it are taken",
            frames.seen + 1,
            frames.seen
        );
    }
    if frames.kept.is_empty() {
        let asked = frames.only.map_or_else(String::new, |n| format!(" number {n}"));
        return Err(format!("{name}: there is no packet{asked}; it has {}", frames.seen));
    }
    Ok(frames.kept)
}

fn hex(frame: &[u8]) -> String {
    let mut hex = String::with_capacity(frame.len() * 2);
    for byte in frame {
        // Nothing can fail in writing to a string.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The frames wanted, and how many there were.
struct Frames {
    only: Option<u64>,
    /// Whether those may be cut that were captured in part.
    cut: bool,
    seen: u64,
    kept: Vec<Vec<u8>>,
    /// The file ends within a packet.
    ends: bool,
}

impl Frames {
    /// Whether the file ends within a packet that others are before: what was taken of it is sound.
    fn is_cut(&mut self, error: &PcapError) -> bool {
        self.ends = self.seen > 0 && matches!(error, PcapError::IncompleteBuffer | PcapError::IoError(_));
        self.ends
    }

    fn take(&mut self, data: &[u8], link: DataLink, whole: u32) -> Result<(), String> {
        self.seen += 1;
        if self.only.is_some_and(|only| only != self.seen) {
            return Ok(());
        }
        if link != DataLink::ETHERNET {
            return Err(format!(
                "packet {} is of link type {link:?}; only Ethernet is understood",
                self.seen
            ));
        }
        if data.len() < whole as usize && !self.cut {
            return Err(format!(
                "packet {} was cut to {} of {whole} bytes when it was captured; capture with snaplen 0",
                self.seen,
                data.len()
            ));
        }
        let mut frame = data.to_vec();
        // No frame of any line is longer, whatever the file says.
        frame.resize(data.len().max((whole as usize).min(LONGEST)), 0);
        self.kept.push(frame);
        Ok(())
    }
}

fn unsound(e: PcapError) -> String {
    format!("this is not a sound capture file: {e}")
}

fn classic(bytes: &[u8], frames: &mut Frames) -> Result<(), String> {
    let told = |packet: u64, e: PcapError| format!("packet {packet}: this is not a sound capture file: {e}");
    let mut reader = PcapReader::new(bytes).map_err(unsound)?;
    let link = reader.header().datalink;
    while let Some(packet) = reader.next_packet() {
        let packet = match packet {
            Err(e) if frames.is_cut(&e) => return Ok(()),
            packet => packet.map_err(|e| told(frames.seen + 1, e))?,
        };
        frames.take(&packet.data, link, packet.orig_len)?;
    }
    Ok(())
}

fn next_generation(bytes: &[u8], frames: &mut Frames) -> Result<(), String> {
    let told = |packet: u64, e: PcapError| format!("packet {packet}: this is not a sound capture file: {e}");
    let mut reader = PcapNgReader::new(bytes).map_err(unsound)?;
    let mut links = Vec::new();
    while let Some(block) = reader.next_block() {
        let block = match block {
            Err(e) if frames.is_cut(&e) => return Ok(()),
            block => block.map_err(|e| told(frames.seen + 1, e))?,
        };
        match block {
            Block::SectionHeader(_) => links.clear(),
            Block::InterfaceDescription(interface) => links.push(interface.linktype),
            Block::EnhancedPacket(packet) => {
                let link = links.get(packet.interface_id as usize).copied().unwrap_or(DataLink::ETHERNET);
                frames.take(&packet.data, link, packet.original_len)?;
            }
            Block::SimplePacket(packet) => {
                let link = links.first().copied().unwrap_or(DataLink::ETHERNET);
                let data = packet.data.get(..packet.original_len as usize).unwrap_or(&packet.data);
                frames.take(data, link, packet.original_len)?;
            }
            _ => {}
        }
    }
    Ok(())
}
