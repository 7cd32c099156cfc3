//! A risk provider, with the script that is shipped as an example of one.

use std::path::{Path, PathBuf};
use std::process::Command;

use quorate_intent::compose::{Coin, Payment, bitcoin_payment};
use quorate_intent::{Address, PayingKey};
use quorate_model::Network;

use crate::lab::{BTC_STRANGER, Lab, QUORATE, request_id, run};

const COIN: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const RULE: &str = r#"
@id("p09-screened") @title("A little regtest bitcoin to anybody whom screening does not know")
permit (principal, action == Custody::Action::"transfer", resource in Custody::Vault::"hot")
when { context.limits.contains("small-btc") && context.verdicts.contains("clear") };
'''
"#;

/// The folder of a provider, and the key that pays.
struct Provider {
    dir: PathBuf,
    cluster: String,
    public_key: String,
}

impl Provider {
    /// A provider whom the policy of every node believes.
    async fn new(lab: &mut Lab) -> Self {
        let dir = lab.dir.path().join("provider");
        std::fs::create_dir(&dir).unwrap();
        let key = dir.join("key.pem");
        let args = ["verdict", "keygen", "--provider", "screening", "--key", key.to_str().unwrap()];
        let made = run(&dir, &args).await;
        assert_eq!(made.code, 0, "{made:?}");
        let tables = format!(
            "[providers.screening]\nkey = {}\n[verdicts.clear]\nprovider = \"screening\"\n\
             levels = [\"clear\"]\nfresh_seconds = 600\n",
            made.json["public_key"]
        );
        lab.activate_policy(|policy| policy.replacen("\n'''\n", RULE, 1) + &tables).await;
        let shown = lab.run(&["key", "show", "btc"]).await;
        let public_key = shown.json["public_key"].as_str().unwrap().to_owned();
        Self { dir, cluster: lab.cluster.id(), public_key }
    }

    /// A payment to a stranger, as a file.
    fn payment(&self, sats: u64) -> PathBuf {
        let network = Network::BitcoinRegtest;
        let group_verifying_key = hex::decode(&self.public_key).unwrap();
        let key = PayingKey {
            group_verifying_key: &group_verifying_key,
            network,
            scheme: network.usual_scheme(),
        };
        let address = &Address::parse(BTC_STRANGER, network).unwrap();
        let coin = Coin { outpoint: &format!("{COIN}:{sats}"), sats: 70_000 };
        let psbt = bitcoin_payment(key, &[coin], &[Payment { address, sats }], 500).unwrap();
        let path = self.dir.join(format!("{sats}.psbt"));
        std::fs::write(&path, psbt).unwrap();
        path
    }

    /// What the script says of a payload, given the addresses that it knows.
    fn rate(&self, payload: &Path, denied: &str) -> PathBuf {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = script.join("../../deploy/risk-provider/rate.sh");
        let (list, out) = (self.dir.join("denied.txt"), self.dir.join("verdict.json"));
        std::fs::write(&list, denied).unwrap();
        let rated = Command::new("sh")
            .arg(script)
            .arg("--psbt")
            .arg(payload)
            .args(["bitcoin-regtest", &self.public_key])
            .arg(&out)
            .env("QUORATE", QUORATE)
            .env("QUORATE_CLUSTER", &self.cluster)
            .env("PROVIDER", "screening")
            .env("PROVIDER_KEY", self.dir.join("key.pem"))
            .env("DENIED", &list)
            .output()
            .unwrap();
        assert!(rated.status.success(), "{rated:?}");
        out
    }
}

fn sign<'a>(payload: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["sign", "btc", "--psbt", payload.to_str().unwrap()], more].concat()
}

#[tokio::test]
async fn a_payment_that_takes_a_verdict_is_signed_once_it_is_there() {
    let mut lab = Lab::new().await;
    let provider = Provider::new(&mut lab).await;
    let (payment, id) = (provider.payment(50_000), request_id(1));
    let waiting = lab.run(&sign(&payment, &["--request-id", &id])).await;
    assert_eq!((waiting.code, &waiting.json["state"]), (4, &"PENDING_APPROVAL".into()));
    let reason = waiting.json["reason"].as_str().unwrap();
    assert!(reason.contains("fresh verdicts are missing: clear of screening"), "{reason}");
    assert!(waiting.stderr.contains("--verdict"), "says what to do: {waiting:?}");

    // People are not asked: there is nothing that they could do.
    let pending = run(&lab.dir.path().join("alice"), &["pending"]).await;
    assert_eq!(pending.json["requests"], serde_json::json!([]), "{pending:?}");

    let verdict = provider.rate(&payment, "# nobody\n");
    let verdict = verdict.to_str().unwrap();
    // Whoever is not the service brings nothing, though it has all that the service has signed.
    let thief = lab.dir.path().join("thief");
    disguise(&lab.cluster.profile_dir(), &lab.dir.path().join("alice"), &thief);
    let refused = run(&thief, &sign(&payment, &["--request-id", &id, "--verdict", verdict])).await;
    assert_eq!((refused.code, refused.reason().as_str()), (1, "NOT_AUTHORIZED"), "{refused:?}");

    let signed = lab.run(&sign(&payment, &["--request-id", &id, "--verdict", verdict])).await;
    assert_eq!(signed.code, 0, "{signed:?}");
    // It says nothing of another payment, and the client does not even send it.
    let other = provider.payment(40_000);
    let refused = lab.run(&sign(&other, &["--verdict", verdict])).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("is no verdict on this payload"), "{refused:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_payment_that_the_provider_knows_is_denied() {
    let mut lab = Lab::new().await;
    let provider = Provider::new(&mut lab).await;
    let payment = provider.payment(50_000);
    let verdict = provider.rate(&payment, &format!("# known\n\n{BTC_STRANGER}\n"));
    let verdict = verdict.to_str().unwrap();
    let args = ["policy", "simulate", "btc", "--psbt", payment.to_str().unwrap()];
    let simulated = lab.run(&[args.as_slice(), &["--verdict", verdict]].concat()).await;
    assert_eq!(simulated.code, 3, "{simulated:?}");
    let denied = lab.run(&sign(&payment, &["--verdict", verdict])).await;
    assert_eq!((denied.code, denied.reason().as_str()), (3, "POLICY_DENIED"), "{denied:?}");
    let reason = denied.json["denials"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("screening said hit"), "{reason}");
    lab.cluster.stop().await;
}

/// The profile of a service, with the certificate of somebody else.
fn disguise(service: &Path, person: &Path, into: &Path) {
    std::fs::create_dir(into).unwrap();
    for entry in std::fs::read_dir(service).unwrap() {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path())).unwrap();
        let of_tls = name.to_str().is_some_and(|name| name.starts_with("tls."));
        let from = if of_tls { person.join(&name) } else { path };
        std::fs::copy(from, into.join(name)).unwrap();
    }
}
