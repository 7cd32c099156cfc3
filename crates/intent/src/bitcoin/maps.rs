//! The key-value maps of a PSBT as they are, before anything has a meaning.
//!
//! The `bitcoin` crate decodes the meaning of every field of version 0, but lets trailing bytes pass
//! and knows no version 2. So the maps are cut here (with its consensus decoding), version 2 is
//! rewritten as version 0, and what it decoded is compared with the maps, field by field.

use std::collections::BTreeMap;

use bitcoin::consensus::{Decodable, Encodable, deserialize};
use bitcoin::{TxIn, TxOut, VarInt};

use super::error::{Place, PsbtError};

const MAGIC: &[u8] = b"psbt\xff";
const GLOBAL_UNSIGNED_TX: u8 = 0x00;
const GLOBAL_INPUT_COUNT: u8 = 0x04;
const GLOBAL_OUTPUT_COUNT: u8 = 0x05;
const GLOBAL_VERSION: u8 = 0xfb;

/// One map: keys with their type byte first.
pub(super) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// All maps of a PSBT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Maps {
    pub(super) version: u32,
    pub(super) global: Map,
    pub(super) inputs: Vec<Map>,
    pub(super) outputs: Vec<Map>,
}

impl Maps {
    /// Cuts a PSBT into its maps. The version field is taken out of the global map.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, PsbtError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(PsbtError::Magic)?;
        let mut reader = Reader { length: bytes.len(), rest };
        let mut global = reader.map()?;
        let version = match global.remove([GLOBAL_VERSION].as_slice()) {
            None => 0,
            Some(value) => value_of(&value, Place::Global, "PSBT_GLOBAL_VERSION")?,
        };
        let (inputs, outputs) = counts(version, &global)?;
        // Every map takes a byte at least, so a count that lies ends with the bytes.
        let inputs = (0..inputs).map(|_| reader.map()).collect::<Result<_, _>>()?;
        let outputs = (0..outputs).map(|_| reader.map()).collect::<Result<_, _>>()?;
        if !reader.rest.is_empty() {
            return Err(PsbtError::TrailingBytes { offset: reader.offset() });
        }
        Ok(Self { version, global, inputs, outputs })
    }

    /// The PSBT again, each map in the order of its keys.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let mut global = self.global.clone();
        if self.version != 0 {
            global.insert(vec![GLOBAL_VERSION], self.version.to_le_bytes().to_vec());
        }
        for map in [&global].into_iter().chain(&self.inputs).chain(&self.outputs) {
            for (key, value) in map {
                append(&mut bytes, key);
                append(&mut bytes, value);
            }
            bytes.push(0);
        }
        bytes
    }
}

/// Decodes a value that must be used up to its last byte.
pub(super) fn value_of<T: Decodable>(
    value: &[u8],
    place: Place,
    field: &'static str,
) -> Result<T, PsbtError> {
    deserialize(value).map_err(|_| PsbtError::FieldValue { place, field })
}

fn append(bytes: &mut Vec<u8>, field: &[u8]) {
    // Writing to a Vec cannot fail.
    let _ = VarInt::from(field.len()).consensus_encode(bytes);
    bytes.extend_from_slice(field);
}

/// How many input and output maps follow the global map.
fn counts(version: u32, global: &Map) -> Result<(u64, u64), PsbtError> {
    let count = |key: u8, field| {
        let value = global.get([key].as_slice());
        let value = value.ok_or(PsbtError::MissingField { place: Place::Global, field })?;
        value_of::<VarInt>(value, Place::Global, field).map(|count| count.0)
    };
    match version {
        0 => {
            let field = "PSBT_GLOBAL_UNSIGNED_TX";
            let transaction = global.get([GLOBAL_UNSIGNED_TX].as_slice());
            let transaction =
                transaction.ok_or(PsbtError::MissingField { place: Place::Global, field })?;
            unsigned_counts(transaction)
                .map_err(|_| PsbtError::FieldValue { place: Place::Global, field })
        }
        2 => Ok((
            count(GLOBAL_INPUT_COUNT, "PSBT_GLOBAL_INPUT_COUNT")?,
            count(GLOBAL_OUTPUT_COUNT, "PSBT_GLOBAL_OUTPUT_COUNT")?,
        )),
        version => Err(PsbtError::Version(version)),
    }
}

fn unsigned_counts(
    mut transaction: &[u8],
) -> Result<(u64, u64), bitcoin::consensus::encode::Error> {
    i32::consensus_decode(&mut transaction)?;
    let inputs = Vec::<TxIn>::consensus_decode(&mut transaction)?;
    let outputs = Vec::<TxOut>::consensus_decode(&mut transaction)?;
    Ok((inputs.len() as u64, outputs.len() as u64))
}

struct Reader<'a> {
    length: usize,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    fn map(&mut self) -> Result<Map, PsbtError> {
        let mut map = Map::new();
        loop {
            let offset = self.offset();
            let key = self.field()?;
            if key.is_empty() {
                return Ok(map);
            }
            if map.insert(key, self.field()?).is_some() {
                return Err(PsbtError::RepeatedField { offset });
            }
        }
    }

    fn field(&mut self) -> Result<Vec<u8>, PsbtError> {
        let offset = self.offset();
        Vec::consensus_decode(&mut self.rest).map_err(|_| PsbtError::Malformed { offset })
    }
}
