//! `quorate key address` and `verify`: the addresses of a child of a key, and what proves them.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quorate_api::KeyProof;
use quorate_model::{DerivationPath, KeyState};
use quorate_trust::TrustRoot;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::files;
use crate::network_name;
use crate::output::{Output, Paint, Report, fields};
use crate::verified_key::VerifiedKey;

const SCHEMA: &str = "quorate.address-proof/v1";

/// The addresses of a child, derived here. Bytes are in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct AddressReport {
    cluster: String,
    key: String,
    path: String,
    scheme: &'static str,
    /// The verifying key at the path. For Taproot this is the internal key, before its BIP-341 tweak.
    public_key: String,
    addresses: BTreeMap<String, String>,
    /// Digest of what all holders of the key voted for.
    certified: String,
}

/// Addresses with their proof, as a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    schema: String,
    cluster: String,
    key: String,
    path: String,
    addresses: BTreeMap<String, String>,
    /// A `quorate.statement.v1.KeyProof`, Base64.
    proof: String,
}

/// Shows the addresses of a child, and writes what proves them.
pub(super) fn show(
    key: &VerifiedKey,
    proof: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let report = AddressReport::new(key)?;
    if let Some(path) = proof {
        files::replace(path, render(key, &report)?.as_bytes())?;
    }
    output.show(&report)
}

/// Verifies a file with addresses, back to a trust root.
pub(super) fn verify(file: &Path, root: &TrustRoot, output: &Output) -> Result<(), Failure> {
    let checked = files::read(file).map_err(Failure::from).and_then(|text| check(&text, root));
    let report = checked.map_err(|failure| {
        let failure = failure.while_trying(format!("{} proves no address", file.display()));
        failure.hint("pay nothing to an address of this file")
    })?;
    output.show(&report)
}

fn render(key: &VerifiedKey, report: &AddressReport) -> Result<String, Failure> {
    let file = ProofFile {
        schema: SCHEMA.to_owned(),
        cluster: report.cluster.clone(),
        key: report.key.clone(),
        path: report.path.clone(),
        addresses: report.addresses.clone(),
        proof: BASE64_STANDARD.encode(key.proof().encode()),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
}

/// What a file proves. Everything that it says is derived again from what the holders signed.
fn check(text: &str, root: &TrustRoot) -> Result<AddressReport, Failure> {
    let file: ProofFile = serde_json::from_str(text)?;
    if file.schema != SCHEMA {
        let message = format!("its schema is {:?}, and not {SCHEMA:?}", file.schema);
        return Err(Failure::new(Exit::Error, message));
    }
    let proof = KeyProof::decode(&BASE64_STANDARD.decode(&file.proof)?)?;
    let key = VerifiedKey::of_proof(proof, root)?.at(&file.path.parse::<DerivationPath>()?)?;
    let report = AddressReport::new(&key)?;
    let claims = [
        ("cluster", file.cluster == report.cluster),
        ("key", file.key == report.key),
        ("addresses", file.addresses == report.addresses),
    ];
    match claims.into_iter().find(|(_, proven)| !proven) {
        Some((what, _)) => {
            let message = format!("its {what} are not what the certificate and the path give");
            Err(Failure::new(Exit::Error, message))
        }
        None => Ok(report),
    }
}

impl AddressReport {
    fn new(key: &VerifiedKey) -> Result<Self, Failure> {
        let certified = key.certified();
        if key.state() == KeyState::PreActivation {
            let message = format!("key {} is not active yet: it has no address", certified.key);
            return Err(Failure::new(Exit::Error, message));
        }
        let addresses = key.addresses()?.into_iter();
        let named = |network| network_name::short(network).to_owned();
        Ok(Self {
            cluster: certified.cluster.to_string(),
            key: certified.key.to_string(),
            path: key.path().to_string(),
            scheme: certified.scheme.as_str(),
            public_key: hex::encode(key.verifying_key()),
            addresses: addresses
                .map(|(network, address)| (named(network), address.to_string()))
                .collect(),
            certified: certified.digest().to_string(),
        })
    }
}

impl Report for AddressReport {
    const SCHEMA: &'static str = "quorate.address/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![
            ("key", format!("{} ({})", self.key, self.scheme)),
            ("path", paint.strong(&self.path)),
            ("public key", self.public_key.clone()),
        ];
        let addresses = self.addresses.iter();
        rows.extend(addresses.map(|(network, address)| (network.as_str(), address.clone())));
        rows.push(("certificate", format!("verified: {}", self.certified)));
        fields(rows)
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
