//! `viaduct lsp ping`: is the end of a path reached, and is it the right one?

use std::time::{Duration, Instant};

use control::api::lsp::{LspNext, LspPong};
use control::client::Client;
use serde::Serialize;

use super::{Common, is_end, leaves, said};
use crate::exit::{Done, Failure};
use crate::output::{self, BAD, GOOD};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Requests, 1 to 100,000.
    #[arg(short = 'c', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Seconds from one request to the next, 0 to 3,600.
    #[arg(short = 'i', long, default_value_t = 1.0, value_name = "SECONDS", value_parser = crate::ping::interval)]
    interval: f64,
    /// TTL of the labels, 1 to 255.
    #[arg(long, default_value_t = 255, value_parser = clap::value_parser!(u8).range(1..))]
    ttl: u8,
}

/// What came of all requests.
#[derive(Debug, Serialize)]
struct Outcome {
    path: String,
    sent: usize,
    /// Replies from the end of the path.
    reached: usize,
    /// Of these; milliseconds.
    min_ms: Option<f64>,
    average_ms: Option<f64>,
    max_ms: Option<f64>,
    replies: Vec<LspPong>,
}

pub(super) fn run(arguments: &Arguments, client: &Client) -> Done {
    let Arguments { common, count, interval, ttl } = arguments;
    let target = common.target()?;
    let mut replies = Vec::new();
    for n in 0..*count {
        let begun = Instant::now();
        let pong = common.ask(client, &target, (*ttl, n), LspNext::Unasked)?;
        if !common.json {
            told(&pong, n == 0, common.timeout);
        }
        replies.push(pong);
        if n + 1 < *count {
            std::thread::sleep(Duration::from_secs_f64(*interval).saturating_sub(begun.elapsed()));
        }
    }
    finish(&outcome(common.name(), replies), common.json)
}

fn told(pong: &LspPong, first: bool, timeout: u64) {
    if let Some(sent) = pong.sent.as_ref().filter(|_| first) {
        output::line(leaves(sent));
    }
    let (sequence, said) = (pong.sequence, said(pong, timeout));
    match (pong.from, pong.rtt_ms) {
        (Some(from), Some(rtt)) => {
            let style = if is_end(pong) { GOOD } else { BAD };
            output::line(format_args!("{sequence}: {from}: {style}{said}{style:#}, {rtt:.3} ms"));
        }
        _ => output::line(format_args!("{BAD}{sequence}: {said}{BAD:#}")),
    }
}

fn outcome(path: String, replies: Vec<LspPong>) -> Outcome {
    let ends = replies.iter().filter(|p| is_end(p));
    let times: Vec<f64> = ends.clone().filter_map(|p| p.rtt_ms).collect();
    let (sent, reached) = (replies.len(), ends.count());
    let average_ms = (!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64);
    let (min_ms, max_ms) = (times.iter().copied().reduce(f64::min), times.iter().copied().reduce(f64::max));
    Outcome { path, sent, reached, min_ms, average_ms, max_ms, replies }
}

fn finish(outcome: &Outcome, json: bool) -> Done {
    let Outcome { path, sent, reached, .. } = outcome;
    if json {
        output::json(outcome)?;
    } else {
        let style = if reached == sent { GOOD } else { BAD };
        let times = match (outcome.min_ms, outcome.average_ms, outcome.max_ms) {
            (Some(min), Some(average), Some(max)) => {
                format!("; {min:.3} / {average:.3} / {max:.3} ms least, average, most")
            }
            _ => String::new(),
        };
        output::line(format_args!("{path}: {sent} sent, {style}{reached} reached the end{style:#}{times}"));
    }
    if *reached == 0 {
        return Err(Failure::Failed(format!("{path}: the end of the path was not reached")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_the_path_counts_as_reached() {
        let pong = |code: Option<u8>, rtt_ms: Option<f64>| LspPong {
            outcome: String::new(),
            code,
            depth: None,
            from: None,
            sequence: 0,
            rtt_ms,
            sent: None,
            arrived: None,
            next: Vec::new(),
        };
        let replies = vec![
            pong(Some(3), Some(1.0)),
            pong(Some(8), Some(9.0)),
            pong(None, None),
            pong(Some(3), Some(2.0)),
        ];
        let told = outcome("10.9.0.0/16".into(), replies);
        assert_eq!((told.sent, told.reached), (4, 2));
        assert_eq!((told.min_ms, told.average_ms, told.max_ms), (Some(1.0), Some(1.5), Some(2.0)));
        assert!(finish(&outcome("10.9.0.0/16".into(), vec![pong(Some(8), Some(1.0))]), true).is_err());
    }
}
