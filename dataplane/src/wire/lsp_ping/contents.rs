//! Everything behind the header of an MPLS echo message.

use super::{Arrival, Fec, Mapping, Tlv, Tlvs, tlv, write_tlv};

/// What is wrong with the TLVs of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They contradict their own lengths, or what must be there is not.
    Malformed,
    /// Some that must be understood are not; these, as they stand in the message.
    NotUnderstood(Vec<u8>),
}

/// The TLVs of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The FECs under test, outermost first.
    pub fecs: Vec<Fec>,
    /// Where the packet goes next: of a request at most one.
    pub mappings: Vec<Mapping>,
    /// Where a request arrived.
    pub arrival: Option<Arrival>,
    /// Padding, the first byte saying whether a reply is to copy it.
    pub pad: Option<Vec<u8>>,
    /// The type of service octet that the reply is to have.
    pub reply_tos: Option<u8>,
    /// TLVs that the other side did not understand, as they stood in the message.
    pub errored: Vec<u8>,
}

impl Contents {
    /// The first byte of [`Contents::pad`] that asks for no copy of it.
    pub const DROP_PAD: u8 = 1;
    /// The first byte of [`Contents::pad`] that asks for a copy of it.
    pub const COPY_PAD: u8 = 2;

    /// Reads what follows the header.
    ///
    /// # Errors
    /// [`Fault`]; what is malformed counts more than what is not understood.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let (mut contents, mut strange) = (Self::default(), Vec::new());
        for tlv in Tlvs(bytes) {
            let tlv = tlv?;
            match contents.take(tlv) {
                Err(Fault::NotUnderstood(_)) => {
                    write_tlv(&mut strange, tlv.kind, |out| out.extend(tlv.value))
                }
                other => other?,
            }
        }
        if strange.is_empty() { Ok(contents) } else { Err(Fault::NotUnderstood(strange)) }
    }

    fn take(&mut self, Tlv { kind, value }: Tlv<'_>) -> Result<(), Fault> {
        match kind {
            tlv::FEC_STACK if self.fecs.is_empty() => self.fecs = fecs(value)?,
            tlv::DETAILED_MAPPING => self.mappings.push(Mapping::read(value)?),
            tlv::ARRIVAL => self.arrival = Some(Arrival::read(value)?),
            tlv::PAD if !value.is_empty() => self.pad = Some(value.to_vec()),
            tlv::ERRORED => self.errored.extend(value),
            tlv::VENDOR if value.len() == 4 => {}
            tlv::REPLY_TOS => match value {
                [tos, _, _, _] => self.reply_tos = Some(*tos),
                _ => return Err(Fault::Malformed),
            },
            tlv::FEC_STACK | tlv::PAD | tlv::VENDOR => return Err(Fault::Malformed),
            other if tlv::is_optional(other) => {}
            _ => return Err(Fault::NotUnderstood(Vec::new())),
        }
        Ok(())
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        if !self.fecs.is_empty() {
            write_tlv(out, tlv::FEC_STACK, |out| self.fecs.iter().for_each(|fec| fec.write(out)));
        }
        self.mappings.iter().for_each(|mapping| mapping.write(out));
        self.arrival.iter().for_each(|arrival| arrival.write(out));
        if let Some(tos) = self.reply_tos {
            write_tlv(out, tlv::REPLY_TOS, |out| out.extend([tos, 0, 0, 0]));
        }
        if !self.errored.is_empty() {
            write_tlv(out, tlv::ERRORED, |out| out.extend(&self.errored));
        }
        if let Some(pad) = &self.pad {
            write_tlv(out, tlv::PAD, |out| out.extend(pad));
        }
    }
}

/// The elements of a FEC stack, of which there is at least one.
fn fecs(value: &[u8]) -> Result<Vec<Fec>, Fault> {
    let fecs = Tlvs(value).map(|sub| Fec::read(sub?)).collect::<Result<Vec<_>, _>>()?;
    match fecs[..] {
        [] => Err(Fault::Malformed),
        _ if fecs.iter().any(|fec| matches!(fec, Fec::Unknown(_))) => Err(Fault::NotUnderstood(Vec::new())),
        _ => Ok(fecs),
    }
}
