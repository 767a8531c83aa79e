//! `[[promise]]`: what a site is promised. Nothing is forwarded by these: they are held
//! against the interface's queues, and a file that cannot keep one is refused.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::units::{Rate, Size, Span};
use super::values::Class;
use super::words::Codec;

/// `[[promise]]`: so many calls, or so much traffic, of a class leave by an interface with
/// no loss and within a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Promise {
    /// The interface (site) that it leaves by.
    pub interface: String,
    /// Its traffic class. Default "voice".
    pub class: Class,
    /// Calls at once, 1 to 1,000,000, each direction counted where it leaves; or `rate`.
    pub calls: Option<u32>,
    /// What a call sends: "g711" (50 datagrams of 200 bytes a second) or "g729" (of 60
    /// bytes), over IPv4. Default "g711".
    pub codec: Codec,
    /// In place of calls: a rate, 8 kbit/s to 400 Gbit/s, counted as the interface's is.
    pub rate: Option<Rate>,
    /// With `rate`: what comes at once, 64 B to 1 GiB, counted so too. Default: one full frame.
    pub burst: Option<Size>,
    /// Labels on it, 0 to 8. Default 0.
    pub labels: u8,
    /// The longest from coming to being sent, 10 us to 10 s. Default: no bound but that
    /// nothing is lost.
    pub bound: Option<Span>,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.calls, self.rate) {
            (Some(calls), _) => write!(f, "{calls} calls of {}", self.codec)?,
            (None, rate) => write!(f, "{}", rate.unwrap_or_default())?,
        }
        self.bound.map_or(Ok(()), |bound| write!(f, " within {bound}"))
    }
}
