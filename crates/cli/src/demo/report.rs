//! What the demo found out.

use bitcoin::Psbt;
use quorate_intent::Payload;
use serde::Serialize;

use crate::commands::KeyReport;
use crate::exit::{Exit, Failure};
use crate::output::{Paint, Report, table};
use crate::signing::finish::SignedReport;
use crate::signing::report::RequestReport;

/// The facts of a demo. Every signature can be verified from it without quorate.
#[derive(Debug, Serialize)]
pub(crate) struct DemoReport {
    pub(crate) version: &'static str,
    pub(crate) cluster: String,
    pub(crate) nodes: usize,
    pub(crate) threshold: u16,
    pub(crate) keys: Vec<KeyReport>,
    pub(crate) signatures: Vec<SignatureReport>,
    pub(crate) denied: Option<RefusedReport>,
    /// What one of those who were asked rejected.
    pub(crate) rejected: Option<RequestReport>,
    /// What a service hears while the cluster is frozen.
    pub(crate) frozen: Option<String>,
    /// What a coordinator in the wrong hands asked for, and what a node said.
    pub(crate) forged: Vec<ForgedReport>,
    pub(crate) below_threshold: Option<RefusedReport>,
    pub(crate) steps: Vec<Step>,
    pub(crate) seconds: f64,
}

/// Something forged that a node refused.
#[derive(Debug, Serialize)]
pub(crate) struct ForgedReport {
    pub(crate) node: u16,
    pub(crate) what: &'static str,
    pub(crate) reason: String,
}

/// A signed transaction, and for a PSBT what it spends.
#[derive(Debug, Serialize)]
pub(crate) struct SignatureReport {
    pub(crate) step: &'static str,
    /// Which nodes were up.
    pub(crate) nodes_up: Vec<u16>,
    #[serde(flatten)]
    pub(crate) signed: SignedReport,
    /// For each input in order: consensus code needs them to check the signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) prevouts: Vec<Prevout>,
}

/// An output that a transaction spends.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Prevout {
    outpoint: String,
    script_pubkey: String,
    sats: u64,
}

/// A request that was not signed, and what a command line would have exited with.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedReport {
    pub(crate) exit: u8,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) nodes_up: Vec<u16>,
    pub(crate) request: RequestReport,
}

/// One step, and how long it took.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) step: &'static str,
    pub(crate) seconds: f64,
    pub(crate) outcome: String,
}

impl Report for DemoReport {
    const SCHEMA: &'static str = "quorate.demo/v1";

    fn text(&self, paint: Paint) -> String {
        let rows = self.steps.iter().map(|step| {
            [step.step.to_owned(), format!("{:.2} s", step.seconds), step.outcome.clone()]
        });
        let steps = table(["step", "time", "outcome"], rows);
        let size = format!("{} of {} nodes", self.threshold, self.nodes);
        let all = paint.strong(&format!("{:.1} s", self.seconds));
        format!("\n{steps}\n\n{size}, all of it in {all}; nothing of it is left")
    }
}

/// The outputs that a PSBT spends; none for any other payload.
pub(crate) fn prevouts(payload: &Payload) -> Result<Vec<Prevout>, Failure> {
    let bytes = match payload {
        Payload::BitcoinPsbt(bytes) => bytes,
        Payload::SolanaMessage(_)
        | Payload::EvmTransaction(_)
        | Payload::EvmMessage(_)
        | Payload::EvmTypedData(_)
        | Payload::EvmAuthorization(_)
        | Payload::RawDigest(_) => return Ok(Vec::new()),
    };
    let psbt = Psbt::deserialize(bytes)?;
    let inputs = psbt.unsigned_tx.input.iter().zip(&psbt.inputs);
    let prevout = |(input, map): (&bitcoin::TxIn, &bitcoin::psbt::Input)| {
        let output = map.witness_utxo.as_ref()?;
        Some(Prevout {
            outpoint: input.previous_output.to_string(),
            script_pubkey: output.script_pubkey.to_hex_string(),
            sats: output.value.to_sat(),
        })
    };
    let all: Option<Vec<_>> = inputs.map(prevout).collect();
    all.ok_or_else(|| Failure::new(Exit::Error, "the PSBT does not say what it spends"))
}
