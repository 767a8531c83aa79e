//! `viaduct lsp trace`: the routers of a path, one TTL after another.
//!
//! Each request says where the router before it said it would arrive, so that a
//! router that gets it otherwise objects (RFC 8029 section 4.6).

use control::api::lsp::{LspHop, LspNext, LspPong};
use control::client::Client;
use serde::Serialize;

use super::{Common, is_end, leaves, said, stack};
use crate::exit::{Done, Failure};
use crate::output::{self, BAD, GOOD, ODD};

/// Silent routers in a row after which a trace ends.
const SILENT: usize = 4;
/// Return codes behind which the path may go on: mismatches and labels switched.
const GOES_ON: [u8; 5] = [5, 6, 8, 14, 15];

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Most routers, 1 to 64.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=64))]
    hops: u8,
}

/// One router of the path.
#[derive(Debug, Serialize)]
struct Hop {
    ttl: u8,
    #[serde(flatten)]
    pong: LspPong,
}

/// The path.
#[derive(Debug, Serialize)]
struct Outcome {
    path: String,
    /// Whether its end answered.
    reached: bool,
    hops: Vec<Hop>,
}

pub(super) fn run(arguments: &Arguments, client: &Client) -> Done {
    let Arguments { common, hops: most } = arguments;
    let target = common.target()?;
    let (mut hops, mut next) = (Vec::new(), LspNext::Own);
    for ttl in 1..=*most {
        let pong = common.ask(client, &target, (ttl, ttl.into()), next)?;
        if !common.json {
            told(&pong, ttl, common.timeout);
        }
        next = after(&pong);
        hops.push(Hop { ttl, pong });
        if ended(&hops) {
            break;
        }
    }
    let reached = hops.last().is_some_and(|hop| is_end(&hop.pong));
    let outcome = Outcome { path: common.name(), reached, hops };
    if common.json {
        output::json(&outcome)?;
    }
    if !reached {
        return Err(Failure::Failed(format!("{}: the end of the path was not reached", outcome.path)));
    }
    Ok(())
}

/// What the next request says of where it arrives.
fn after(pong: &LspPong) -> LspNext {
    match &pong.next[..] {
        [next] => LspNext::Said(next.clone()),
        // Silence, or several ways of which it takes one or the other.
        _ => LspNext::Any,
    }
}

/// Whether nothing more is to be learned.
fn ended(hops: &[Hop]) -> bool {
    let silent = hops.iter().rev().take_while(|hop| hop.pong.code.is_none()).count();
    let Some(last) = hops.last() else { return false };
    match last.pong.code {
        Some(code) => !GOES_ON.contains(&code),
        None => silent >= SILENT || last.pong.outcome != "timeout",
    }
}

fn told(pong: &LspPong, ttl: u8, timeout: u64) {
    if let Some(sent) = pong.sent.as_ref().filter(|_| ttl == 1) {
        output::line(leaves(sent));
    }
    let said = said(pong, timeout);
    let (Some(from), Some(rtt)) = (pong.from, pong.rtt_ms) else {
        return output::line(format_args!("{ttl:>2}  {BAD}{said}{BAD:#}"));
    };
    let style = match pong.code {
        Some(3) => GOOD,
        Some(8) => anstyle::Style::new(),
        Some(5 | 6 | 14 | 15) => ODD,
        _ => BAD,
    };
    let arrived = pong.arrived.as_deref().map_or_else(String::new, |labels| format!("  {}", stack(labels)));
    output::line(format_args!("{ttl:>2}  {from}{arrived}  {style}{said}{style:#}  {rtt:.3} ms"));
    if pong.next.len() > 1 {
        pong.next.iter().for_each(|hop| output::line(format_args!("      or on {}", way(hop))));
    }
}

/// One of several ways on.
fn way(hop: &LspHop) -> String {
    let labels: Vec<_> = hop.labels.iter().map(u32::to_string).collect();
    format!("to {}, labels {}", hop.router, labels.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(code: Option<u8>, outcome: &str) -> Hop {
        let pong = LspPong {
            outcome: outcome.into(),
            code,
            depth: None,
            from: None,
            sequence: 1,
            rtt_ms: None,
            sent: None,
            arrived: None,
            next: Vec::new(),
        };
        Hop { ttl: 1, pong }
    }

    #[test]
    fn a_trace_ends_at_the_end_at_what_cannot_go_on_and_in_silence() {
        let silent = || hop(None, "timeout");
        assert!(!ended(&[hop(Some(8), "label switched")]));
        assert!(ended(&[hop(Some(8), "label switched"), hop(Some(3), "egress")]));
        assert!(ended(&[hop(Some(11), "no entry for the label")]));
        assert!(ended(&[hop(None, "not sent: no route")]));
        assert!(!ended(&[silent(), silent(), silent()]));
        assert!(!ended(&[silent(), silent(), silent(), hop(Some(8), "label switched"), silent()]));
        assert!(ended(&[silent(), silent(), silent(), silent()]));
    }

    #[test]
    fn a_request_says_what_the_router_before_said() {
        let next = LspHop { router: [192, 0, 2, 9].into(), interface: None, mtu: 1500, labels: vec![17] };
        let mut pong = hop(Some(8), "label switched").pong;
        assert_eq!(after(&pong), LspNext::Any);
        pong.next = vec![next.clone()];
        assert_eq!(after(&pong), LspNext::Said(next.clone()));
        pong.next.push(next);
        assert_eq!(after(&pong), LspNext::Any);
    }
}
