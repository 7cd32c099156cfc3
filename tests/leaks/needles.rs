//! A search for secrets in every form that software gives bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes by which a needle is recognised before it is compared. Every form is longer.
const HEAD: usize = 8;

pub(crate) struct Needles {
    by_head: BTreeMap<[u8; HEAD], Vec<(Vec<u8>, String)>>,
    /// Which pairs of first bytes occur: most places of a haystack are passed over by this alone.
    starts: Vec<bool>,
}

impl Needles {
    pub(crate) fn new(secrets: &[(String, Vec<u8>)]) -> Self {
        let mut needles = Self { by_head: BTreeMap::new(), starts: vec![false; 1 << 16] };
        for (name, secret) in secrets {
            assert!(secret.len() >= 32, "{name} is too short to be told from chance");
            for form in forms(secret) {
                let head = *form.first_chunk().expect("every form is longer than a head");
                needles.starts[start(&head)] = true;
                needles.by_head.entry(head).or_default().push((form, name.clone()));
            }
        }
        needles
    }

    /// The name of a secret that the haystack holds.
    pub(crate) fn find(&self, haystack: &[u8]) -> Option<String> {
        (0..haystack.len()).find_map(|at| {
            let rest = haystack.get(at..)?;
            let head: &[u8; HEAD] = rest.first_chunk()?;
            if !self.starts[start(head)] {
                return None;
            }
            let candidates = self.by_head.get(head)?;
            let found = candidates.iter().find(|(form, _)| rest.starts_with(form));
            found.map(|(_, name)| name.clone())
        })
    }
}

fn start(head: &[u8; HEAD]) -> usize {
    usize::from(u16::from_be_bytes([head[0], head[1]]))
}

/// Raw, hexadecimal, as a debugger prints a list, and Base64 at each of its three alignments; each
/// of them in both byte orders.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let mut forms = Vec::new();
    for bytes in [secret, &reversed] {
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        forms.push(bytes.to_vec());
        forms.push(hex::encode(bytes).into_bytes());
        forms.push(hex::encode_upper(bytes).into_bytes());
        forms.push(decimal.join(", ").into_bytes());
        forms.push(decimal.join(",").into_bytes());
        for before in 0..3 {
            // What the bytes around it decide is cut off at both ends.
            let padded = [&[0; 3][..before], bytes].concat();
            let from = (before * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                forms.push(engine.encode(&padded).as_bytes()[from..to].to_vec());
            }
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Vec<u8> {
        (0..32).map(|n: u8| n.wrapping_mul(37).wrapping_add(11)).collect()
    }

    fn found(haystack: &[u8]) -> bool {
        Needles::new(&[("it".to_owned(), secret())]).find(haystack).is_some()
    }

    #[test]
    fn a_planted_secret_is_found_in_every_form() {
        let reversed: Vec<u8> = secret().into_iter().rev().collect();
        for bytes in [secret(), reversed] {
            for before in 0..5_u8 {
                let around = [vec![before; before.into()], bytes.clone(), vec![9; 4]].concat();
                assert!(found(&around));
                assert!(found(format!("key={}!", hex::encode(&around)).as_bytes()));
                assert!(found(format!("key={}!", hex::encode_upper(&around)).as_bytes()));
                assert!(found(format!("key={around:?}!").as_bytes()));
                assert!(found(serde_json::to_string(&around).unwrap().as_bytes()));
                assert!(found(STANDARD_NO_PAD.encode(&around).as_bytes()));
                assert!(found(URL_SAFE_NO_PAD.encode(&around).as_bytes()));
            }
        }
    }

    #[test]
    fn a_secret_that_differs_in_one_byte_is_not_found() {
        for at in 0..32 {
            let mut other = secret();
            other[at] ^= 1;
            assert!(!found(&other));
            assert!(!found(hex::encode(&other).as_bytes()));
            assert!(!found(format!("{other:?}").as_bytes()));
        }
    }
}
