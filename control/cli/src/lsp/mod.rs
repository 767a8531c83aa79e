//! `viaduct lsp`: does a label switched path carry, and by which routers (RFC 8029)?

mod ping;
mod target;
mod trace;

use std::net::IpAddr;
use std::path::Path;

use clap::Subcommand;
use control::api::lsp::{LspLabel, LspNext, LspPing, LspPong, LspSent, LspTarget};
use control::client::Client;

use crate::exit::{Done, Failure};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  viaduct lsp ping 10.9.0.0/16 --vrf red
  viaduct lsp ping label 16004 via 10.255.0.2 --size 1500 -c 1    does it pass?
  viaduct lsp trace 10.9.0.0/16 --vrf red
  viaduct lsp trace label 16004 30012 via 10.255.0.2";

/// Test label switched paths: what packets to a prefix, or with given labels, meet.
///
/// A request takes the same way as they do. Each router that its TTL ends at, and
/// the one where the path ends, says what it does with the label.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send requests to the end of a path, and say who answers.
    #[command(after_help = EXAMPLES)]
    Ping(ping::Arguments),
    /// Follow a path router by router.
    #[command(after_help = EXAMPLES)]
    Trace(trace::Arguments),
}

/// What ping and trace have in common.
#[derive(Debug, clap::Args)]
struct Common {
    /// PREFIX, whose route is followed, or label LABEL [LABEL ...] via ADDRESS [dev INTERFACE], outermost first.
    #[arg(required = true, num_args = 1.., value_name = "WORD")]
    words: Vec<String>,
    /// The Vrf of prefix or neighbour.
    #[arg(long, default_value = control::commit::DEFAULT_VRF)]
    vrf: String,
    /// The route distinguisher that the far end knows the prefix by; the Vrf's own unless given.
    #[arg(long, value_name = "RD")]
    rd: Option<String>,
    /// The router's address to ask from, of the Vrf that replies come by.
    #[arg(long)]
    source: Option<IpAddr>,
    /// Bytes of the IP datagram, 0 to 9,000; 0 is as short as it can be.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=9000))]
    size: u16,
    /// Traffic class of the labels, 0 to 7; that of the DSCP's class unless given.
    #[arg(long, value_parser = clap::value_parser!(u8).range(..=7))]
    tc: Option<u8>,
    /// DSCP: a name such as ef, or 0 to 63.
    #[arg(long, default_value = "cs6", value_parser = crate::ping::dscp)]
    dscp: u8,
    /// Milliseconds to wait for a reply, 1 to 10,000.
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    timeout: u64,
    /// Have routers on the way back look at the reply (router alert).
    #[arg(long)]
    alert: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let client = Client::new(socket);
    match &arguments.what {
        What::Ping(arguments) => ping::run(arguments, &client),
        What::Trace(arguments) => trace::run(arguments, &client),
    }
}

impl Common {
    /// The path.
    fn target(&self) -> Result<LspTarget, Failure> {
        let words: Vec<_> = self.words.iter().map(String::as_str).collect();
        target::parse(&words).map_err(Failure::Failed)
    }

    /// Asks once.
    fn ask(
        &self,
        client: &Client,
        target: &LspTarget,
        (ttl, sequence): (u8, u32),
        next: LspNext,
    ) -> Result<LspPong, Failure> {
        let ping = LspPing {
            vrf: self.vrf.clone(),
            target: target.clone(),
            rd: self.rd.clone(),
            source: self.source,
            ttl,
            tc: self.tc,
            dscp: self.dscp,
            size: self.size,
            alert: self.alert,
            next,
            handle: std::process::id(),
            sequence,
            timeout_ms: self.timeout,
        };
        output::ask(client.post("/v1/lsp/ping", &ping))
    }

    /// The path in words.
    fn name(&self) -> String {
        self.words.join(" ")
    }
}

/// Return code of a router where the path ends.
const EGRESS: u8 = 3;

/// Whether a request reached the end of its path.
fn is_end(pong: &LspPong) -> bool {
    pong.code == Some(EGRESS)
}

/// What a router said, with the stack depth.
fn said(pong: &LspPong, timeout: u64) -> String {
    match (pong.outcome.as_str(), pong.depth) {
        ("timeout", _) => format!("no answer within {timeout} ms"),
        (said, Some(depth)) => format!("{said} at stack depth {depth}"),
        (said, None) => said.into(),
    }
}

/// How requests leave.
fn leaves(sent: &LspSent) -> String {
    let labels: Vec<_> = sent.labels.iter().map(u32::to_string).collect();
    format!("by {} to {}, labels {}", sent.interface, sent.neighbour, labels.join(" "))
}

/// A stack as label/TC/TTL, outermost first.
fn stack(labels: &[LspLabel]) -> String {
    let text: Vec<_> = labels.iter().map(|l| format!("{}/{}/{}", l.label, l.tc, l.ttl)).collect();
    if text.is_empty() { "unlabelled".into() } else { text.join(" ") }
}
