//! From signatures to what the network takes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quorate_api::pb::custody::v1::SignRequest as Answer;
use quorate_intent::{Payload, bitcoin, evm, solana};
use serde::Serialize;

use super::Transaction;
use super::intent::IntentReport;
use crate::exit::{Exit, Failure};
use crate::output::{Paint, Report, fields};

/// A signed transaction, with everything that is needed to verify it again elsewhere. Bytes are in
/// hexadecimal digits but for the formats that everybody exchanges in Base64.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignedReport {
    pub(crate) name: String,
    pub(crate) state: &'static str,
    pub(crate) key: String,
    pub(crate) scheme: &'static str,
    /// Which child of the key signed.
    pub(crate) path: String,
    /// The verifying key at that path. For Taproot this is the internal key, before its BIP-341 tweak.
    pub(crate) public_key: String,
    pub(crate) address: String,
    pub(crate) payload_format: &'static str,
    /// What was sent, Base64.
    pub(crate) payload: String,
    /// What the signatures are over.
    pub(crate) signing_messages: Vec<String>,
    pub(crate) signatures: Vec<String>,
    pub(crate) signers: Vec<u32>,
    pub(crate) intent: IntentReport,
    /// The signed PSBT, Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) psbt: Option<String>,
    /// The transaction as it is sent to the network, hexadecimal; of an EVM message or of typed data
    /// the signature as contracts take it, of an authorisation the signed one.
    pub(crate) transaction: String,
    /// The same, Base64, which Solana's RPC takes.
    pub(crate) transaction_base64: String,
}

impl SignedReport {
    /// Verifies the answer's signatures and puts the transaction together.
    pub(crate) fn new(transaction: &Transaction, answer: &Answer) -> Result<Self, Failure> {
        let signatures = transaction.signatures(answer)?;
        let (psbt, raw) = finish(transaction, &signatures)?;
        let certified = transaction.key.certified();
        let all = |bytes: &[Vec<u8>]| bytes.iter().map(hex::encode).collect();
        Ok(Self {
            name: answer.name.clone(),
            state: "SIGNED",
            key: certified.key.to_string(),
            scheme: certified.scheme.as_str(),
            path: transaction.key.path().to_string(),
            public_key: hex::encode(transaction.key.verifying_key()),
            address: transaction.decoded.intent.from.to_string(),
            payload_format: transaction.payload.format(),
            payload: BASE64_STANDARD.encode(transaction.payload.as_bytes()),
            signing_messages: all(&transaction.decoded.signing_messages),
            signatures: all(&signatures),
            signers: answer.signers.clone(),
            intent: IntentReport::new(&transaction.decoded.intent),
            psbt: psbt.map(|psbt| BASE64_STANDARD.encode(psbt)),
            transaction: hex::encode(&raw),
            transaction_base64: BASE64_STANDARD.encode(&raw),
        })
    }

    /// What `--out` writes: the signed PSBT or the Solana transaction in Base64, what is signed for an
    /// EVM chain in hexadecimal digits. It is what wallets and RPCs take.
    pub(crate) fn file(&self) -> String {
        match &self.psbt {
            Some(psbt) => psbt.clone(),
            None if self.payload_format.starts_with("evm-") => format!("0x{}", self.transaction),
            None => self.transaction_base64.clone(),
        }
    }
}

/// The signed PSBT, if it was one, and the transaction.
fn finish(
    transaction: &Transaction,
    signatures: &[Vec<u8>],
) -> Result<(Option<Vec<u8>>, Vec<u8>), Failure> {
    let key = transaction.key.paying(transaction.network);
    match &transaction.payload {
        Payload::BitcoinPsbt(psbt) => {
            let signed = bitcoin::finalize(psbt, key, signatures)?;
            let raw = bitcoin::extract(&signed, key)?;
            Ok((Some(signed), raw))
        }
        Payload::SolanaMessage(message) => {
            Ok((None, solana::assemble(message, &the_one(signatures)?)))
        }
        Payload::EvmTransaction(_)
        | Payload::EvmMessage(_)
        | Payload::EvmTypedData(_)
        | Payload::EvmAuthorization(_) => {
            Ok((None, evm::finalize(&transaction.payload, key, &the_one(signatures)?)?))
        }
        Payload::RawDigest(_) => {
            let signature: [u8; 64] = the_one(signatures)?;
            Ok((None, signature.to_vec()))
        }
    }
}

fn sized<const N: usize>(signatures: &[Vec<u8>]) -> Result<Vec<[u8; N]>, Failure> {
    let sized = signatures.iter().map(|signature| <[u8; N]>::try_from(signature.as_slice()));
    Ok(sized.collect::<Result<_, _>>()?)
}

/// The only signature of a payload that has one.
fn the_one<const N: usize>(signatures: &[Vec<u8>]) -> Result<[u8; N], Failure> {
    match sized(signatures)?.as_slice() {
        [signature] => Ok(*signature),
        _ => Err(Failure::new(Exit::Error, "such a payload has one signature")),
    }
}

impl Report for SignedReport {
    const SCHEMA: &'static str = "quorate.signed/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![("request", self.name.clone()), ("state", paint.good(self.state))];
        rows.push(("key", format!("{} ({}), path {}", self.key, self.scheme, self.path)));
        rows.extend(self.intent.fields());
        let signers: Vec<_> = self.signers.iter().map(ToString::to_string).collect();
        rows.push(("signed by", format!("nodes {}", signers.join(", "))));
        rows.extend(self.signatures.iter().map(|signature| ("signature", signature.clone())));
        rows.push(("verified", "every signature, here, over what was sent".to_owned()));
        rows.push(("transaction", self.transaction.clone()));
        fields(rows)
    }
}
