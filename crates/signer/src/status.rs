//! How the node is.

use quorate_model::Timestamp;
use quorate_protocol::wire::NodeStatus;
use quorate_trust::Scope;
use rand_core::CryptoRngCore;

use crate::node::Node;

impl Node {
    /// How the node is, and why it could not sign now.
    pub(crate) fn status(&mut self, now: Timestamp, rng: &mut dyn CryptoRngCore) -> NodeStatus {
        let active = self.keys.all().filter(|held| self.signs(held, now));
        let (dealt_only, active): (Vec<_>, Vec<_>) =
            active.partition(|held| self.vault.is_dealt_only(&held.sharing()));
        let active = active.len();
        let mut reasons = Vec::new();
        let fit = [self.check_clock(now), self.check_log()];
        reasons.extend(fit.into_iter().filter_map(Result::err).map(|refusal| refusal.reason));
        let stops = self.stops.in_force(now).map(|(_, stop)| stop).map(ToString::to_string);
        let stops = stops.chain(self.frozen_pairs.in_words());
        let restored = dealt_only.into_iter().map(|held| {
            format!("sharing {} was restored: refresh the key, and it signs here", held.sharing())
        });
        let stops = stops.chain(restored).collect();
        if self.stops.in_force(now).any(|(_, stop)| stop.scope == Scope::Cluster) {
            reasons.push("the cluster is frozen".to_owned());
        }
        if active == 0 {
            reasons.push("no key is active".to_owned());
        }
        if self.sessions.len() >= self.limits.sessions_max {
            reasons.push("every signing session is in use".to_owned());
        }
        NodeStatus {
            heads: self.heads(now),
            active_keys: active as u64,
            open_sessions: self.sessions.len() as u64,
            ready: reasons.is_empty(),
            reasons,
            stops,
            root_version: self.root.version(),
            policy_version: self.gate.bundle().version(),
            scheduled: self.scheduled(),
            version: self.version.clone(),
            challenge: self.is_in_doubt().then(|| self.clock.challenge(rng)).flatten(),
        }
    }
}
