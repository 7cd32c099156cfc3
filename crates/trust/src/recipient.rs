//! To whom pieces of backups are encrypted: age recipients (age-encryption.org/v1).

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use curve25519_dalek::montgomery::MontgomeryPoint;

const PREFIX: Hrp = Hrp::parse_unchecked("age");

/// An X25519 recipient of age, as `age-keygen` writes it: `age1…`. Only canonical encodings of points
/// that keep a secret exist as values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(String);

/// The text is no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an age recipient with an X25519 key: age1 and 58 letters and digits")]
pub struct RecipientError;

impl Recipient {
    /// The recipient with this X25519 public key.
    ///
    /// # Errors
    /// [`RecipientError`] for an encoding that is not canonical, and for a point of small order: what is
    /// encrypted to such a one can be read by everybody.
    pub fn from_bytes(public_key: [u8; 32]) -> Result<Self, RecipientError> {
        // Clamped scalars are multiples of eight, which take every point of small order to zero.
        let keeps_secrets = MontgomeryPoint(public_key).mul_clamped([0; 32]).to_bytes() != [0; 32];
        if !is_canonical(&public_key) || !keeps_secrets {
            return Err(RecipientError);
        }
        bech32::encode::<Bech32>(PREFIX, &public_key).map(Self).map_err(|_| RecipientError)
    }
}

/// Whether the number is below 2^255 - 19, little-endian.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = bytes;
    let is_high = *highest >= 0x7f && *lowest >= 0xed && middle.iter().all(|byte| *byte == 0xff);
    *highest < 0x80 && !is_high
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| RecipientError)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let recipient = Self::from_bytes(bytes.try_into().map_err(|_| RecipientError)?)?;
        if recipient.0 == text { Ok(recipient) } else { Err(RecipientError) }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification of age, section "X25519 recipient stanza".
    const KNOWN: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

    #[test]
    fn a_recipient_has_one_text() {
        assert_eq!(KNOWN.parse::<Recipient>().unwrap().to_string(), KNOWN);
        let mut longer = KNOWN.to_owned();
        longer.push('q');
        let of_other_kind = KNOWN.replacen("age1", "agx1", 1);
        for bad in ["", "age1", &KNOWN.to_uppercase(), &longer, &of_other_kind] {
            assert_eq!(bad.parse::<Recipient>(), Err(RecipientError), "{bad}");
        }
        for at in 0..KNOWN.len() {
            let mut bytes = KNOWN.as_bytes().to_vec();
            bytes[at] ^= 1;
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(text.parse::<Recipient>(), Err(RecipientError), "{text}");
        }
    }

    #[test]
    fn a_point_that_keeps_no_secret_is_no_recipient() {
        let mut one = [0; 32];
        one[0] = 1;
        for bad in [[0; 32], one] {
            assert_eq!(Recipient::from_bytes(bad), Err(RecipientError));
        }
    }

    #[test]
    fn a_second_encoding_of_a_point_is_no_recipient() {
        let mut nine = [0; 32];
        nine[0] = 9;
        assert!(Recipient::from_bytes(nine).is_ok());
        let mut with_top_bit = nine;
        with_top_bit[31] = 0x80;
        // 2^255 - 19 + 9.
        let mut unreduced = [0xff; 32];
        (unreduced[0], unreduced[31]) = (0xf6, 0x7f);
        for bad in [with_top_bit, unreduced] {
            assert_eq!(Recipient::from_bytes(bad), Err(RecipientError));
        }
    }
}
