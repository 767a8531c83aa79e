//! `viaduct ping`: echo requests from the router itself, in any Vrf.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use control::api::types::{Ping, Pong};
use control::client::Client;
use serde::Serialize;

use crate::exit::{Done, Failure};
use crate::output::{self, BAD, GOOD};

const EXAMPLES: &str = "\
Examples:
  viaduct ping 10.0.0.2
  viaduct ping 10.0.0.2 --vrf trust --source 10.0.1.1 --dscp ef
  viaduct ping 10.1.0.9 --size 1472 --df -c 1    does 1,500 bytes pass?";

/// Send echo requests from the router, and say what comes back.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Whom to ask.
    destination: IpAddr,
    /// Requests, 1 to 100,000.
    #[arg(short = 'c', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Seconds from one request to the next, 0 to 3,600.
    #[arg(short = 'i', long, default_value_t = 1.0, value_name = "SECONDS", value_parser = interval)]
    interval: f64,
    /// Milliseconds to wait for an answer, 1 to 10,000.
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    timeout: u64,
    /// The Vrf.
    #[arg(long, default_value = control::commit::DEFAULT_VRF)]
    vrf: String,
    /// The router's address to ask from.
    #[arg(long)]
    source: Option<IpAddr>,
    /// Bytes of data, 0 to 8,900.
    #[arg(long, default_value_t = 56, value_parser = clap::value_parser!(u16).range(..=8900))]
    size: u16,
    /// TTL or hop limit, 1 to 255.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u8).range(1..))]
    ttl: u8,
    /// DSCP: a name such as ef, or 0 to 63.
    #[arg(long, default_value = "df", value_parser = dscp)]
    dscp: u8,
    /// Set don't-fragment.
    #[arg(long)]
    df: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.0..=3600.0).contains(s));
    seconds.ok_or_else(|| "allowed: 0 to 3600 seconds".into())
}

pub(crate) fn dscp(text: &str) -> Result<u8, String> {
    dataplane::wire::dscp::parse(text).ok_or_else(|| "allowed: a name such as ef or af11, or 0 to 63".into())
}

/// What came of all requests.
#[derive(Debug, Serialize)]
struct Outcome {
    destination: IpAddr,
    sent: usize,
    received: usize,
    /// Of answers; milliseconds.
    min_ms: Option<f64>,
    average_ms: Option<f64>,
    max_ms: Option<f64>,
    replies: Vec<Pong>,
}

pub(crate) fn run(arguments: &Arguments, socket: &Path) -> Done {
    let client = Client::new(socket);
    let mut replies = Vec::new();
    for n in 0..arguments.count {
        let begun = Instant::now();
        let pong: Pong = output::ask(client.post("/v1/ping", &request(arguments, n)))?;
        if !arguments.json {
            told(&pong, arguments);
        }
        replies.push(pong);
        if n + 1 < arguments.count {
            let pause = Duration::from_secs_f64(arguments.interval);
            std::thread::sleep(pause.saturating_sub(begun.elapsed()));
        }
    }
    finish(outcome(arguments.destination, replies), arguments.json)
}

fn request(arguments: &Arguments, n: u32) -> Ping {
    Ping {
        vrf: arguments.vrf.clone(),
        destination: arguments.destination,
        source: arguments.source,
        size: arguments.size,
        ttl: arguments.ttl,
        dscp: arguments.dscp,
        dont_fragment: arguments.df,
        ident: std::process::id() as u16,
        sequence: n as u16,
        timeout_ms: arguments.timeout,
    }
}

fn told(pong: &Pong, arguments: &Arguments) {
    let sequence = pong.sequence;
    let from = pong.from.map_or_else(String::new, |from| format!(" from {from}"));
    let (Some(size), Some(rtt)) = (pong.size, pong.rtt_ms) else {
        let outcome = match pong.outcome.as_str() {
            "timeout" => format!("no answer within {} ms", arguments.timeout),
            said => format!("{said}{from}"),
        };
        return output::line(format_args!("{BAD}{sequence}: {outcome}{BAD:#}"));
    };
    let ttl = pong.ttl.map_or_else(String::new, |ttl| format!(", TTL {ttl}"));
    output::line(format_args!("{sequence}: {size} bytes{from}{ttl}, {rtt:.3} ms"));
}

fn outcome(destination: IpAddr, replies: Vec<Pong>) -> Outcome {
    let answers = replies.iter().filter(|p| p.outcome == "reply");
    let times: Vec<f64> = answers.clone().filter_map(|p| p.rtt_ms).collect();
    let received = answers.count();
    let (min, max) = (times.iter().copied().reduce(f64::min), times.iter().copied().reduce(f64::max));
    let average = (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64);
    let sent = replies.len();
    Outcome { destination, sent, received, min_ms: min, average_ms: average, max_ms: max, replies }
}

fn finish(outcome: Outcome, json: bool) -> Done {
    let Outcome { destination, sent, received, .. } = outcome;
    if json {
        output::json(&outcome)?;
    } else {
        let style = if received == sent { GOOD } else { BAD };
        let lost = 100.0 * (sent - received) as f64 / sent.max(1) as f64;
        let times = match (outcome.min_ms, outcome.average_ms, outcome.max_ms) {
            (Some(min), Some(average), Some(max)) => {
                format!("; {min:.3} / {average:.3} / {max:.3} ms least, average, most")
            }
            _ => String::new(),
        };
        output::line(format_args!(
            "{destination}: {sent} sent, {style}{received} answered{style:#}, {lost:.0} % lost{times}"
        ));
    }
    if received == 0 {
        return Err(Failure::Failed(format!("{destination} did not answer")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong(outcome: &str, rtt_ms: Option<f64>) -> Pong {
        Pong { outcome: outcome.into(), from: None, sequence: 0, size: None, ttl: None, rtt_ms }
    }

    #[test]
    fn only_replies_count_as_answers() {
        let replies = vec![pong("reply", Some(1.0)), pong("timeout", None), pong("reply", Some(3.0))];
        let told = outcome([192, 0, 2, 1].into(), replies);
        assert_eq!((told.sent, told.received), (3, 2));
        assert_eq!((told.min_ms, told.average_ms, told.max_ms), (Some(1.0), Some(2.0), Some(3.0)));
        let none = outcome([192, 0, 2, 1].into(), vec![pong("TTL expired on the way", Some(1.0))]);
        assert_eq!((none.sent, none.received, none.min_ms), (1, 0, None));
    }
}
