//! `[[promise]]`: what a site is promised. Nothing is forwarded by these: they are held
//! against the interface's queues, and a file that cannot keep one is refused.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::units::{Rate, Size, Span};
use super::values::Class;
use super::words::{Codec, IpVersion};

/// Speech in one datagram unless something else is said (RFC 3551 section 4.2).
pub(crate) const PTIME: Span = Span(20_000_000);

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
    /// What a call sends: "g711" (64 kbit/s of speech: by default 50 datagrams of 200 bytes a second) or "g729"
    /// (8 kbit/s: of 60 bytes). Default "g711".
    pub codec: Codec,
    /// With `calls`: "ipv4", or "ipv6", whose datagrams are 20 bytes longer. Default "ipv4".
    pub ip: IpVersion,
    /// With `calls`: speech in one datagram (RFC 8866 section 6.4), 10 to 60 ms in tens. Default "20 ms".
    pub ptime: Span,
    /// With `calls`: bytes that SRTP adds to each datagram, 0 to 32: its authentication tag and MKI. Those of
    /// AES_CM_128_HMAC_SHA1_80 are 10 (RFC 3711), of AEAD_AES_128_GCM 16 (RFC 7714). Default 0.
    pub srtp: u8,
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
            (Some(calls), _) => {
                write!(f, "{calls} calls of {}", self.codec)?;
                if self.ip != IpVersion::V4 {
                    write!(f, " over {}", self.ip)?;
                }
                if self.srtp > 0 {
                    write!(f, ", {} B of SRTP", self.srtp)?;
                }
                if self.ptime != PTIME {
                    write!(f, ", {} a datagram", self.ptime)?;
                }
            }
            (None, rate) => write!(f, "{}", rate.unwrap_or_default())?,
        }
        self.bound.map_or(Ok(()), |bound| write!(f, " within {bound}"))
    }
}
