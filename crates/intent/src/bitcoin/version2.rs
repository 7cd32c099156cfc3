//! PSBT version 2 (BIP-370), rewritten as version 0: the fields that version 2 keeps apart become
//! the unsigned transaction, all others mean the same in both.
//!
//! The `psbt-v2` crate (0.3) is not used on bytes from outside: it reserves memory for whatever
//! count of inputs the bytes claim, refuses outputs without value (OP_RETURN), and takes an absent
//! sequence for 0 in the unsigned transaction where BIP-370 says final. Tests compare with it.

use bitcoin::absolute::{Height, LockTime, Time};
use bitcoin::consensus::{Decodable, serialize};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, VarInt, Witness};

use super::error::{Place, PsbtError};
use super::maps::{Map, Maps, value_of};

const GLOBAL_UNSIGNED_TX: u8 = 0x00;

/// The same PSBT in version 0.
pub(super) fn to_version0(mut maps: Maps) -> Result<Maps, PsbtError> {
    if maps.global.contains_key([GLOBAL_UNSIGNED_TX].as_slice()) {
        let key_type = GLOBAL_UNSIGNED_TX;
        return Err(PsbtError::UnknownField { place: Place::Global, key_type });
    }
    let mut global = Fields { place: Place::Global, map: &mut maps.global };
    let version = global.required::<i32>(0x02, "PSBT_GLOBAL_TX_VERSION")?;
    let fallback = global.optional::<LockTime>(0x03, "PSBT_GLOBAL_FALLBACK_LOCKTIME")?;
    // The counts have been used to cut the maps.
    global.required::<VarInt>(0x04, "PSBT_GLOBAL_INPUT_COUNT")?;
    global.required::<VarInt>(0x05, "PSBT_GLOBAL_OUTPUT_COUNT")?;
    let modifiable = global.optional::<u8>(0x06, "PSBT_GLOBAL_TX_MODIFIABLE")?;
    if modifiable.is_some_and(|flags| flags != 0) {
        return Err(PsbtError::Modifiable);
    }
    let mut lock_times = LockTimes::default();
    let mut transaction = Transaction {
        version: Version(version),
        lock_time: LockTime::ZERO,
        input: Vec::new(),
        output: Vec::new(),
    };
    for (index, map) in maps.inputs.iter_mut().enumerate() {
        transaction.input.push(input(index, map, &mut lock_times)?);
    }
    for (index, map) in maps.outputs.iter_mut().enumerate() {
        transaction.output.push(output(index, map)?);
    }
    if transaction.input.is_empty() {
        // Without inputs a transaction is not told from one with witnesses.
        return Err(PsbtError::NoInputs);
    }
    transaction.lock_time = lock_times.chosen().or(fallback).unwrap_or(LockTime::ZERO);
    maps.global.insert(vec![GLOBAL_UNSIGNED_TX], serialize(&transaction));
    maps.version = 0;
    Ok(maps)
}

fn input(index: usize, map: &mut Map, lock_times: &mut LockTimes) -> Result<TxIn, PsbtError> {
    let mut fields = Fields { place: Place::Input(index), map };
    let previous_output = OutPoint {
        txid: fields.required(0x0e, "PSBT_IN_PREVIOUS_TXID")?,
        vout: fields.required(0x0f, "PSBT_IN_OUTPUT_INDEX")?,
    };
    let sequence = fields.optional(0x10, "PSBT_IN_SEQUENCE")?.unwrap_or(Sequence::MAX);
    let time = fields.optional::<u32>(0x11, "PSBT_IN_REQUIRED_TIME_LOCKTIME")?;
    let time = time.map(Time::from_consensus).transpose().map_err(|_| PsbtError::FieldValue {
        place: Place::Input(index),
        field: "PSBT_IN_REQUIRED_TIME_LOCKTIME",
    })?;
    let height = fields.optional::<u32>(0x12, "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME")?;
    let height =
        height.map(Height::from_consensus).transpose().map_err(|_| PsbtError::FieldValue {
            place: Place::Input(index),
            field: "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME",
        })?;
    lock_times.require(index, time, height)?;
    Ok(TxIn { previous_output, script_sig: ScriptBuf::new(), sequence, witness: Witness::new() })
}

fn output(index: usize, map: &mut Map) -> Result<TxOut, PsbtError> {
    let mut fields = Fields { place: Place::Output(index), map };
    let value = Amount::from_sat(fields.required(0x03, "PSBT_OUT_AMOUNT")?);
    let script = fields.take(0x04);
    let field = "PSBT_OUT_SCRIPT";
    let script = script.ok_or(PsbtError::MissingField { place: Place::Output(index), field })?;
    Ok(TxOut { value, script_pubkey: ScriptBuf::from_bytes(script) })
}

/// The lock time of the transaction, as BIP-370 determines it from what the inputs require: of a
/// kind that every requiring input offers (height where all offer both), the latest.
struct LockTimes {
    any: bool,
    time: Option<Option<Time>>,
    height: Option<Option<Height>>,
}

impl Default for LockTimes {
    /// No input has ruled out a kind yet, and none has named a value.
    fn default() -> Self {
        Self { any: false, time: Some(None), height: Some(None) }
    }
}

impl LockTimes {
    fn require(
        &mut self,
        input: usize,
        time: Option<Time>,
        height: Option<Height>,
    ) -> Result<(), PsbtError> {
        if time.is_none() && height.is_none() {
            return Ok(());
        }
        self.any = true;
        self.time = self.time.zip(time).map(|(latest, time)| latest.max(Some(time)));
        self.height = self.height.zip(height).map(|(latest, height)| latest.max(Some(height)));
        if self.time.is_none() && self.height.is_none() {
            return Err(PsbtError::LockTimes { input });
        }
        Ok(())
    }

    fn chosen(&self) -> Option<LockTime> {
        let height = self.height.flatten().map(LockTime::Blocks);
        height.or(self.time.flatten().map(LockTime::Seconds))
    }
}

/// The fields of one map, taken out one by one; what is left keeps its meaning in version 0.
struct Fields<'a> {
    place: Place,
    map: &'a mut Map,
}

impl Fields<'_> {
    fn take(&mut self, key_type: u8) -> Option<Vec<u8>> {
        self.map.remove([key_type].as_slice())
    }

    fn optional<T: Decodable>(
        &mut self,
        key_type: u8,
        field: &'static str,
    ) -> Result<Option<T>, PsbtError> {
        self.take(key_type).map(|value| value_of(&value, self.place, field)).transpose()
    }

    fn required<T: Decodable>(
        &mut self,
        key_type: u8,
        field: &'static str,
    ) -> Result<T, PsbtError> {
        let value = self.optional(key_type, field)?;
        value.ok_or(PsbtError::MissingField { place: self.place, field })
    }
}
