//! `quorate verdict`: what a risk provider does.

use std::path::Path;

use quorate_intent::{Intent, PayingKey, decode};
use quorate_model::ProviderName;
use quorate_trust::{PublicKey, RiskVerdict, SignedRiskVerdict, SigningKey};
use rand_core::OsRng;
use serde::Serialize;

use crate::args::{Subject, Verdict};
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::output::{Output, Paint, Report, fields};
use crate::signing::intent::IntentReport;
use crate::signing::verdict;

/// A provider's new key.
#[derive(Serialize)]
struct ProviderReport {
    provider: String,
    public_key: String,
}

impl Report for ProviderReport {
    const SCHEMA: &'static str = "quorate.risk-provider/v1";

    /// What goes into the policy bundle.
    fn text(&self, _paint: Paint) -> String {
        format!("[providers.{}]\nkey = \"{}\"", self.provider, self.public_key)
    }
}

/// What a payload does.
#[derive(Serialize)]
struct DecodedReport {
    intent: IntentReport,
}

impl Report for DecodedReport {
    const SCHEMA: &'static str = "quorate.decoded/v1";

    fn text(&self, _paint: Paint) -> String {
        let mut rows = self.intent.fields();
        rows.push(("effects digest", self.intent.effects_digest.clone()));
        fields(rows)
    }
}

/// What was signed.
#[derive(Serialize)]
struct VerdictReport {
    provider: String,
    level: String,
    issued: String,
    effects_digest: String,
}

impl Report for VerdictReport {
    const SCHEMA: &'static str = "quorate.verdict-signed/v1";

    fn text(&self, _paint: Paint) -> String {
        fields([
            ("provider", self.provider.clone()),
            ("level", self.level.clone()),
            ("issued", self.issued.clone()),
            ("effects digest", self.effects_digest.clone()),
        ])
    }
}

pub(super) fn run(command: Verdict, output: &Output) -> Result<Exit, Failure> {
    match command {
        Verdict::Keygen { provider, key } => keygen(&provider, &key, output)?,
        Verdict::Decode(subject) => {
            let intent = IntentReport::new(&intent(&subject)?);
            output.show(&DecodedReport { intent })?;
        }
        Verdict::Sign { subject, cluster, provider, key, level, out } => {
            let key = SigningKey::from_pkcs8_pem(&files::read_secret(&key)?)?;
            let effects = intent(&subject)?.effects_digest();
            let verdict = RiskVerdict { cluster, provider, effects, level, issued: clock::now() };
            sign(verdict, &key, &out, output)?;
        }
    }
    Ok(Exit::Ok)
}

fn keygen(provider: &ProviderName, path: &Path, output: &Output) -> Result<(), Failure> {
    let key = SigningKey::generate(&mut OsRng);
    files::create_secret(path, &key.to_pkcs8_pem()?)?;
    let public_key: PublicKey = key.public_key();
    let (provider, public_key) = (provider.to_string(), public_key.to_string());
    output.show(&ProviderReport { provider, public_key })
}

fn sign(
    verdict: RiskVerdict,
    key: &SigningKey,
    out: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let signed = SignedRiskVerdict::sign(verdict, key);
    files::replace(out, verdict::render(&signed)?.as_bytes())?;
    let RiskVerdict { provider, effects, level, issued, .. } = signed.verdict;
    output.show(&VerdictReport {
        provider: provider.to_string(),
        level: level.to_string(),
        issued: issued.to_string(),
        effects_digest: effects.to_string(),
    })
}

/// What the payload does, decoded as every node will.
fn intent(subject: &Subject) -> Result<Intent, Failure> {
    let payload = subject
        .payload
        .load()?
        .ok_or_else(|| Failure::usage("name the payload, such as --psbt or --evm"))?;
    let group_verifying_key = hex::decode(&subject.public_key).map_err(|error| {
        Failure::from(error).while_trying("--public-key is not in hexadecimal digits")
    })?;
    let key = PayingKey {
        group_verifying_key: &group_verifying_key,
        network: subject.network,
        scheme: subject.network.usual_scheme(),
    };
    let decoded = decode(&payload, key)
        .map_err(|error| Failure::from(error).while_trying("the payload is refused"))?;
    Ok(decoded.intent)
}
