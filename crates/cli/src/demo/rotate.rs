//! The step in which a key gets new shares.

use quorate_trust::SharingChange;

use super::steps::{Demo, KEY_WAIT, Payment};
use crate::args::{KeyChange, OrderedBy};
use crate::client::Client;
use crate::commands::reshare_key;
use crate::dev::sample;
use crate::exit::Failure;

impl Demo<'_> {
    /// Every node gets a new share of the Taproot key, and it signs for the same address.
    pub(super) async fn refresh(&mut self, client: &Client) -> Result<(), Failure> {
        self.begin("refresh a key");
        let key = Payment::bitcoin(sample::BTC_PAYEE, 0).key.parse()?;
        let officer_keys = self.cluster.officer_keys();
        let change = KeyChange { key, by: OrderedBy { officer_keys, wait: KEY_WAIT } };
        let quiet = self.output().quiet();
        let after = reshare_key(client, &change, |_| Ok(SharingChange::Refresh), &quiet).await?;
        let holders = after.nodes.len();
        self.done(format!(
            "{}: epoch {}, {holders} new shares of the same key, and the old ones are erased",
            after.key, after.epoch
        ));
        self.detail("public key", &after.public_key);
        let payment = Payment::bitcoin(sample::BTC_PAYEE, 80_000);
        self.sign("sign with new shares", client, payment).await
    }
}
