//! Restore proofs as files.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quorate_api::KeyProof;
use quorate_api::backup::{decode_restore_proof, encode_restore_proof};
use quorate_backup::{Header, KeyContents, RestoreProof};
use quorate_model::PersonName;
use quorate_protocol::CertifiedKey;
use quorate_trust::TrustRoot;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};

use super::open::Opened;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, Report, fields};
use crate::verified_key::VerifiedKey;
use crate::{clock, files};

const SCHEMA: &str = "quorate.restore-proof/v1";

/// A proof as a file. What it says in words is derived again when it is checked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    schema: String,
    #[serde(flatten)]
    claims: Claims,
    /// A `quorate.statement.v1.KeyProof`, Base64.
    certificate: String,
    /// A `quorate.statement.v1.RestoreProof`, Base64.
    proof: String,
}

/// What a proof proves: that a backup held a share.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    cluster: String,
    node: u16,
    key: String,
    epoch: u64,
    /// Digest of the backup.
    backup: String,
    /// When it was opened.
    time: String,
}

/// What a backup is proven to hold.
#[derive(Serialize)]
struct VerifyReport {
    backup: String,
    node: u16,
    /// The proofs, one of each key.
    proofs: Vec<PathBuf>,
}

/// Proves each share of an open backup.
pub(super) fn write_all(
    file: &Path,
    opened: &Opened,
    out: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let Opened { header, contents, damaged } = opened;
    if !damaged.is_empty() {
        let names: Vec<_> = damaged.iter().map(PersonName::as_str).collect();
        let names = names.join(", ");
        let message = format!("the age files of {names} in {} are damaged", file.display());
        return Err(Failure::new(Exit::Error, message)
            .hint("the others open it: quorate recover; make a new backup"));
    }
    let rendered = contents.keys.iter().map(|key| render(header, key));
    let rendered = rendered.collect::<Result<Vec<_>, _>>()?;
    files::make_dir(out)?;
    let mut proofs = Vec::new();
    for (name, text) in rendered {
        let path = out.join(name);
        files::create(&path, &text)?;
        proofs.push(path);
    }
    let (backup, node) = (header.digest().to_string(), header.node.get());
    output.show(&VerifyReport { backup, node, proofs })?;
    output.say("Nothing of the shares was written. Destroy the open pieces.");
    Ok(())
}

/// Checks a proof back to the trust root.
pub(super) fn check(file: &Path, root: &TrustRoot, output: &Output) -> Result<(), Failure> {
    let checked = files::read(file).map_err(Failure::from).and_then(|text| read(&text, root));
    let claims = checked
        .map_err(|failure| failure.while_trying(format!("{} proves nothing", file.display())))?;
    output.show(&claims)
}

/// A proof of one key: the name of its file, and its text.
fn render(header: &Header, key: &KeyContents) -> Result<(String, String), Failure> {
    let KeyContents { certificate, confirmations, share } = key;
    let certified = &certificate.certified;
    let (backup, now) = (header.digest(), clock::now());
    let proof = RestoreProof::sign(certified, (header.node, share), backup, now, &mut OsRng)?;
    let (certificate, confirmations) = (certificate.clone(), confirmations.clone());
    let key_proof = KeyProof { certificate: certificate.clone(), confirmations };
    let claims = Claims::of(&proof, &certificate.certified);
    let name = format!("{}-{}.restore-proof.json", claims.key, claims.epoch);
    let file = ProofFile {
        schema: SCHEMA.to_owned(),
        claims,
        certificate: BASE64_STANDARD.encode(key_proof.encode()),
        proof: BASE64_STANDARD.encode(encode_restore_proof(&proof)),
    };
    Ok((name, format!("{}\n", serde_json::to_string_pretty(&file)?)))
}

fn read(text: &str, root: &TrustRoot) -> Result<Claims, Failure> {
    let file: ProofFile = serde_json::from_str(text)?;
    let refused = |message: String| Failure::new(Exit::Error, message);
    if file.schema != SCHEMA {
        return Err(refused(format!("its schema is {:?}, and not {SCHEMA:?}", file.schema)));
    }
    let key = KeyProof::decode(&BASE64_STANDARD.decode(&file.certificate)?)?;
    let key = VerifiedKey::of_proof(key, root)?;
    let proof = decode_restore_proof(&BASE64_STANDARD.decode(&file.proof)?)?;
    proof.verify(key.certified())?;
    let claims = Claims::of(&proof, key.certified());
    if claims == file.claims {
        Ok(claims)
    } else {
        Err(refused("it says something else than what is proven".to_owned()))
    }
}

impl Claims {
    fn of(proof: &RestoreProof, certified: &CertifiedKey) -> Self {
        Self {
            cluster: certified.cluster.to_string(),
            node: proof.node.get(),
            key: certified.key.to_string(),
            epoch: certified.epoch.0,
            backup: proof.backup.to_string(),
            time: proof.time.to_string(),
        }
    }
}

impl Report for Claims {
    const SCHEMA: &'static str = "quorate.restore-proof-check/v1";

    fn text(&self, paint: Paint) -> String {
        fields([
            ("backup", self.backup.clone()),
            ("cluster", self.cluster.clone()),
            ("node", self.node.to_string()),
            ("key", format!("{} (epoch {})", self.key, self.epoch)),
            ("opened", self.time.clone()),
            ("proof", paint.good("verified: the backup held the certified share")),
        ])
    }
}

impl Report for VerifyReport {
    const SCHEMA: &'static str = "quorate.backup-verify/v1";

    fn text(&self, paint: Paint) -> String {
        let mut rows = vec![
            ("backup", self.backup.clone()),
            ("node", self.node.to_string()),
            ("shares", paint.good("verified: each is the one that was certified")),
        ];
        rows.extend(self.proofs.iter().map(|path| ("proof", path.display().to_string())));
        fields(rows)
    }
}
