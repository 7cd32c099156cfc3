//! Risk verdicts as files: JSON, which a provider in any language can write.

use std::path::Path;

use quorate_model::{Digest, Timestamp};
use quorate_trust::{RiskVerdict, Signature, SignedRiskVerdict};
use serde::{Deserialize, Serialize};

use super::Transaction;
use crate::exit::{Exit, Failure};
use crate::files;

const SCHEMA: &str = "quorate.verdict/v1";

/// The file, as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerdictFile {
    schema: String,
    cluster: String,
    provider: String,
    effects: String,
    level: String,
    issued: String,
    signature: String,
}

/// The text of a file.
pub(crate) fn render(signed: &SignedRiskVerdict) -> Result<String, Failure> {
    let RiskVerdict { cluster, provider, effects, level, issued } = &signed.verdict;
    let file = VerdictFile {
        schema: SCHEMA.to_owned(),
        cluster: cluster.to_string(),
        provider: provider.to_string(),
        effects: effects.to_string(),
        level: level.to_string(),
        issued: issued.to_string(),
        signature: hex::encode(signed.signature.as_bytes()),
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
}

/// The verdicts in these files, about what was decoded here.
pub(crate) fn load(
    paths: &[impl AsRef<Path>],
    cluster: Digest,
    transaction: &Transaction,
) -> Result<Vec<SignedRiskVerdict>, Failure> {
    let effects = transaction.decoded.intent.effects_digest();
    let read = |path: &Path| {
        let signed = parse(&files::read(path)?)?;
        signed.check_subject(cluster, effects)?;
        Ok(signed)
    };
    let read = |path: &Path| {
        read(path).map_err(|failure: Failure| {
            failure.while_trying(format!("{} is no verdict on this payload", path.display()))
        })
    };
    paths.iter().map(|path| read(path.as_ref())).collect()
}

fn parse(text: &str) -> Result<SignedRiskVerdict, Failure> {
    let file: VerdictFile = serde_json::from_str(text)?;
    if file.schema != SCHEMA {
        let message = format!("its schema is {:?}, and not {SCHEMA:?}", file.schema);
        return Err(Failure::new(Exit::Error, message));
    }
    Ok(SignedRiskVerdict {
        verdict: RiskVerdict {
            cluster: file.cluster.parse()?,
            provider: file.provider.parse()?,
            effects: file.effects.parse()?,
            level: file.level.parse()?,
            issued: file.issued.parse::<Timestamp>()?,
        },
        signature: Signature::from_bytes(&hex::decode(file.signature)?)?,
    })
}

#[cfg(test)]
mod tests {
    use quorate_trust::SigningKey;
    use rand_core::OsRng;

    use super::*;

    fn signed() -> SignedRiskVerdict {
        let verdict = RiskVerdict {
            cluster: Digest::new([1; 32]),
            provider: "chainwatch".parse().unwrap(),
            effects: Digest::new([2; 32]),
            level: "low".parse().unwrap(),
            issued: Timestamp::from_millis(1_800_000_000_000),
        };
        SignedRiskVerdict::sign(verdict, &SigningKey::generate(&mut OsRng))
    }

    #[test]
    fn a_verdict_survives_its_file() {
        let signed = signed();
        assert_eq!(parse(&render(&signed).unwrap()).unwrap(), signed);
    }

    #[test]
    fn a_file_that_is_no_verdict_is_refused() {
        let text = render(&signed()).unwrap();
        for (part, other) in [
            ("quorate.verdict/v1", "quorate.verdict/v2"),
            ("\"low\"", "\"Low\""),
            ("2027-01-15T08:00:00.000Z", "2027-01-15"),
            ("\"level\"", "\"levels\""),
            ("0101", "01"),
        ] {
            assert!(text.contains(part), "{text}");
            assert!(parse(&text.replace(part, other)).is_err(), "{other}");
        }
        assert!(parse("{}").is_err() && parse("low").is_err());
    }
}
