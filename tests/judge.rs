//! Bitcoin's own consensus code.

use bitcoin::TxOut;
use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};

/// Whether every input of the transaction may spend its output.
pub(crate) fn accepted(transaction: &[u8], spent: &[TxOut]) -> bool {
    let outputs: Vec<_> = spent
        .iter()
        .map(|output| Utxo {
            script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: u32::try_from(output.script_pubkey.len()).unwrap(),
            value: i64::try_from(output.value.to_sat()).unwrap(),
        })
        .collect();
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    spent.iter().enumerate().all(|(input, output)| {
        let (script, value) = (output.script_pubkey.as_bytes(), output.value.to_sat());
        verify_with_flags(script, value, transaction, Some(&outputs), input, flags).is_ok()
    })
}
