//! The capture port and its codec against the `pcap-file` crate.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod ports;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dataplane::packet::{Batch, PoolSize};
use dataplane::port::pcap::{self, FormatError, Reader, Writer};
use dataplane::port::{AnyPort, Link, OpenError, Pcap, PcapOptions, Port, PortConfig, PortKind};
use dataplane::time::Time;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapReader, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};
use ports::{Hand, PLAIN, assorted, frame};
use proptest::prelude::*;

/// A capture as another program writes it: a frame each 1.5 ms.
fn foreign(frames: &[Vec<u8>], header: PcapHeader) -> Vec<u8> {
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for (n, frame) in (0..).zip(frames) {
        let time = Duration::new(1_700_000_000, 1_500_000 * n);
        writer.write_packet(&PcapPacket::new(time, frame.len() as u32, frame)).unwrap();
    }
    writer.into_writer()
}

fn header(endianness: Endianness, ts_resolution: TsResolution) -> PcapHeader {
    PcapHeader { endianness, ts_resolution, snaplen: 65_535, ..PcapHeader::default() }
}

fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

fn reading(path: PathBuf) -> Pcap {
    pcap::open(&PcapOptions { read: Some(path), ..PcapOptions::default() }).unwrap()
}

#[test]
fn captures_of_both_byte_orders_and_both_clocks_are_received() {
    let dir = tempfile::tempdir().unwrap();
    let frames = assorted(1514);
    for endianness in [Endianness::Big, Endianness::Little] {
        for resolution in [TsResolution::MicroSecond, TsResolution::NanoSecond] {
            let bytes = foreign(&frames, header(endianness, resolution));
            let mut reader = Reader::new(&bytes[..]).unwrap();
            let first = reader.record().unwrap().unwrap();
            reader.take(&first, &mut []).unwrap();
            let second = reader.record().unwrap().unwrap();
            assert_eq!(
                (first.time, second.time.since(first.time)),
                (Time(1_700_000_000_000_000_000), 1_500_000)
            );

            let mut port = reading(file(dir.path(), "in.pcap", &bytes));
            let got = Hand::new(64, PoolSize::Standard).receive(&mut port, frames.len());
            assert_eq!(got, frames);
            assert!(port.finished());
            assert_eq!(port.link(), Link { up: true, present: true });
        }
    }
}

#[test]
fn what_is_sent_another_program_reads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.pcap");
    let config = PortConfig {
        kind: PortKind::Pcap,
        pcap: PcapOptions { write: Some(path.clone()), epoch: 5_000_000_000, ..PcapOptions::default() },
        ..PortConfig::default()
    };
    let mut port: AnyPort = dataplane::port::open(&config, None).unwrap().remove(0);
    let frames = assorted(9014);
    let mut hand = Hand::new(64, PoolSize::Jumbo);
    hand.send(&mut port, &frames);
    assert_eq!(port.stats().sent, frames.len() as u64);
    port.poll(Time::NEVER);

    let mut reader = PcapReader::new(File::open(&path).unwrap()).unwrap();
    assert_eq!(reader.header().datalink, DataLink::ETHERNET);
    for frame in &frames {
        let packet = reader.next_packet().unwrap().unwrap();
        assert_eq!((&packet.data[..], packet.orig_len), (&frame[..], frame.len() as u32));
        assert!(packet.timestamp >= Duration::from_secs(5));
    }
    assert!(reader.next_packet().is_none());
}

#[test]
fn a_paced_capture_comes_as_it_was_captured() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = foreign(&vec![frame(60, &PLAIN, 1); 3], header(Endianness::Little, TsResolution::NanoSecond));
    let read = Some(file(dir.path(), "in.pcap", &bytes));
    let mut port = pcap::open(&PcapOptions { read, paced: true, ..PcapOptions::default() }).unwrap();
    let mut hand = Hand::new(8, PoolSize::Standard);
    let mut given = |at| port.receive(Time(at), &mut hand.pool, &mut Batch::new());
    assert_eq!(
        [1_000, 1_500_999, 1_501_000, 1_501_001, 9_000_000, 9_000_001].map(&mut given),
        [1, 0, 1, 0, 1, 0]
    );
}

#[test]
fn long_cut_and_bufferless_frames_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer =
        PcapWriter::with_header(Vec::new(), header(Endianness::Big, TsResolution::MicroSecond)).unwrap();
    let frames = [frame(3000, &PLAIN, 1), frame(70, &PLAIN, 2), frame(80, &PLAIN, 3), frame(90, &PLAIN, 4)];
    for (frame, on_line) in frames.iter().zip([3000, 1500, 80, 90]) {
        writer.write_packet(&PcapPacket::new(Duration::ZERO, on_line, frame)).unwrap();
    }
    let mut port = reading(file(dir.path(), "in.pcap", &writer.into_writer()));
    let mut hand = Hand::new(1, PoolSize::Standard);
    let mut batch = Batch::new();
    assert_eq!(port.receive(Time(5), &mut hand.pool, &mut batch), 1);
    assert_eq!(batch.frames()[0].bytes(), frames[2]);
    let stats = port.stats();
    assert_eq!((stats.received, stats.too_long, stats.pool_empty, stats.missed), (3, 1, 1, 1));
}

/// Bit 26 of the link type: each frame ends with an FCS of that many 16-bit words.
#[test]
fn an_fcs_is_not_a_part_of_the_frame() {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).unwrap().write(Time(7), &[frame(60, &PLAIN, 1), vec![0xfc; 4]].concat()).unwrap();
    bytes[20..24].copy_from_slice(&(2_u32 << 28 | 1 << 26 | 1).to_le_bytes());
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let record = reader.record().unwrap().unwrap();
    assert_eq!((record.len, record.original), (60, 60));
    let mut got = [0; 60];
    reader.take(&record, &mut got).unwrap();
    assert_eq!(got[..], frame(60, &PLAIN, 1));
    assert_eq!(reader.record().unwrap(), None);
}

#[test]
fn what_is_no_capture_is_refused_and_a_broken_one_ends() {
    let dir = tempfile::tempdir().unwrap();
    let whole = foreign(&[frame(60, &PLAIN, 1), frame(61, &PLAIN, 2)], PcapHeader::default());
    let with = |at: usize, bytes: &[u8]| [&whole[..at], bytes, &whole[at + bytes.len()..]].concat();
    let refused = |bytes: &[u8]| Reader::new(bytes).unwrap_err().to_string();
    assert_eq!(refused(b"[router]\nname = \"pe1\"\n# and more"), "not a capture file");
    assert_eq!(refused(&whole[..23]), "not a capture file");
    assert_eq!(refused(&with(0, &[0x0a, 0x0d, 0x0d, 0x0a])), FormatError::Pcapng.to_string());
    let raw_ip = PcapHeader { datalink: DataLink::RAW, ..PcapHeader::default() };
    assert_eq!(refused(&foreign(&[], raw_ip)), "link type 101, which is not Ethernet (1)");

    let read = Some(dir.path().join("absent.pcap"));
    let absent = pcap::open(&PcapOptions { read, ..PcapOptions::default() });
    assert!(matches!(absent, Err(OpenError::System { .. })));

    for cut in [whole.len() - 1, whole.len() - 61, whole.len() - 70] {
        let mut port = reading(file(dir.path(), "cut.pcap", &whole[..cut]));
        let mut batch = Batch::new();
        let given = port.receive(Time(1), &mut Hand::new(8, PoolSize::Standard).pool, &mut batch);
        assert_eq!(batch.frames()[0].bytes(), frame(60, &PLAIN, 1));
        assert!(port.finished() && port.stats().missed == 1);
        assert_eq!((given as u64, port.stats().received), (1, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_come_back_as_they_were_written(
        frames in prop::collection::vec((0..4_000_000_000_000_000_000_u64, prop::collection::vec(any::<u8>(), 0..300)), 0..20)
    ) {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes).unwrap();
        for (time, frame) in &frames {
            writer.write(Time(*time), frame).unwrap();
        }
        let mut reader = Reader::new(&bytes[..]).unwrap();
        for (time, frame) in &frames {
            let record = reader.record().unwrap().unwrap();
            prop_assert_eq!(record.time, Time(*time));
            let mut got = vec![0; record.len as usize];
            reader.take(&record, &mut got).unwrap();
            prop_assert_eq!(&got, frame);
        }
        prop_assert_eq!(reader.record().unwrap(), None);
    }

    #[test]
    fn no_bytes_make_it_fail_otherwise_than_by_an_error(
        magic in prop::sample::select(vec![0xa1b2_c3d4_u32, 0xa1b2_3c4d, 0xd4c3_b2a1, 0x4d3c_b2a1]),
        link in prop::sample::select(vec![[1, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0xf4]]),
        rest in prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..400),
    ) {
        let bytes = [&magic.to_le_bytes()[..], &[0; 16], &link, &rest].concat();
        let Ok(mut reader) = Reader::new(&bytes[..]) else { return Ok(()) };
        let mut records = 0;
        while let Ok(Some(record)) = reader.record() {
            prop_assert!(record.len <= pcap::LONGEST);
            if reader.take(&record, &mut [0; 64]).is_err() {
                break;
            }
            records += 1;
        }
        prop_assert!(records * 16 <= rest.len());
    }
}
