//! `viaduct explain`: one packet's way through the router, and why.

pub(crate) mod capture;
mod print;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use control::client::Client;
use control::explain::{Explanation, Offline, Packets, Question, explain};

use crate::exit::{Done, Failure};
use crate::output;

/// Frames sent together.
const PART: usize = 256;

const USAGE: &str = "\
viaduct explain [OPTIONS] in INTERFACE from ADDRESS to ADDRESS [WORD ...]
       viaduct explain [OPTIONS] in INTERFACE --pcap FILE [--packet N]";

const GRAMMAR: &str = "\
The packet, in words; all but in, from and to may be left out:

  in INTERFACE      where it comes in: an interface, or a port with vlan
  from ADDRESS      source
  to ADDRESS        destination
  udp|tcp|icmp|proto N    upper layer; udp unless said
  sport N, dport N  ports; 49152 and 5004 unless said
  dscp NAME|N       ef, af11 ... or 0 to 63; df unless said
  ttl N             TTL or hop limit; 64 unless said
  label N [tc N] [ttl N]  a label above it, outermost first; tc 0 and ttl 64 unless said
  size N            bytes of the datagram, IP header included; 100 unless said
  df                don't-fragment
  vlan ID[.ID]      other tags than the interface's own, outer first; vlan 0 is priority only

The packet goes through the running router's own stages and tables; nothing is
sent and nothing counted. With --config it is explained by a file, without a
router: then only neighbours that the file names are known.

Examples:
  viaduct explain in ge0 from 10.0.0.5 to 10.1.0.9
  viaduct explain in phones from 10.20.20.7 to 192.0.2.9 udp dport 5004 dscp ef size 200
  viaduct explain in ge0 from 10.0.0.5 to 10.1.0.9 tcp size 3000 df
  viaduct explain in core0 label 17 tc 5 ttl 63 label 30012 from 10.1.0.9 to 10.2.0.9
  viaduct explain in ge0 --pcap trace.pcap --packet 3
  viaduct explain in wan from 192.0.2.9 to 10.20.10.7 ttl 1 --config examples/site.toml";

/// Tell a packet's way: each stage's decision and why, or the drop and the RFC behind it.
#[derive(Debug, clap::Args)]
#[command(after_help = GRAMMAR, override_usage = USAGE)]
pub(crate) struct Arguments {
    /// The packet in words, or only `in INTERFACE` with --pcap.
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,
    /// Take packets from a capture file (pcap or pcapng) of Ethernet frames.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Of the capture, only this packet; the first is 1.
    #[arg(long, value_name = "N", requires = "pcap", value_parser = clap::value_parser!(u64).range(1..))]
    packet: Option<u64>,
    /// Explain by this configuration file, without a router.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let explained = match &arguments.pcap {
        Some(file) => {
            let interface = words::interface(&arguments.words).map_err(Failure::Failed)?;
            captured(arguments, &interface, file, socket)?
        }
        None => ask(arguments, words::question(&arguments.words).map_err(Failure::Failed)?, socket)?,
    };
    if arguments.json {
        return output::json(&explained);
    }
    for (n, explanation) in explained.iter().enumerate() {
        if n > 0 {
            output::line("");
        }
        print::explanation(explanation);
    }
    if arguments.config.is_some() {
        output::line(
            "\nWithout a router: only neighbours that the file names are known, and nothing is queued.",
        );
    }
    Ok(())
}

/// Explains the packets of a capture, a part at a time.
fn captured(
    arguments: &Arguments,
    interface: &str,
    file: &Path,
    socket: &Path,
) -> Result<Vec<Explanation>, Failure> {
    let frames = capture::read(file, arguments.packet).map_err(Failure::Failed)?;
    let mut explained = Vec::new();
    for part in frames.chunks(PART) {
        let packets = Packets::Frames(part.to_vec());
        explained.extend(ask(arguments, Question { interface: interface.into(), packets }, socket)?);
    }
    Ok(explained)
}

fn ask(arguments: &Arguments, question: Question, socket: &Path) -> Result<Vec<Explanation>, Failure> {
    let Some(file) = &arguments.config else {
        return output::ask(Client::new(socket).post("/v1/explain", &question));
    };
    let text = control::daemon::read(file)?;
    let offline = Offline::new(control::config::parse(&text.text, &text.file)?)?;
    explain(&question, &offline).map_err(Failure::Failed)
}
