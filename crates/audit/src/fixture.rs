//! What the tests of this crate share.

use quorate_model::{Digest, ParticipantId, Timestamp};
use quorate_trust::SigningKey;
use rand_core::SeedableRng as _;

use crate::{Entry, Event, EventKind, Log, Origin};

/// SHA-256 of nothing.
pub(crate) const EMPTY_ROOT: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Leaves and the roots after each, as every implementation of Certificate Transparency tests them.
pub(crate) const RFC_6962: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::generate(&mut rand_chacha::ChaCha20Rng::from_seed([seed; 32]))
}

pub(crate) fn origin() -> Origin {
    Origin { cluster: Digest::new([0xab; 32]), node: ParticipantId::new(2).unwrap() }
}

/// A log of so many entries, of every kind, with facts that need escapes.
pub(crate) fn entries(count: u64) -> Vec<Entry> {
    let mut log = Log::default();
    let kinds = EventKind::ALL.into_iter().cycle();
    let entry = |(n, kind): (u64, EventKind)| {
        let event = Event::new(kind)
            .fact("request", format!("payments/{n}"))
            .fact("reason", "\"quoted\" \\ line\nbreak, \u{fc}");
        let state = Digest::new([u8::try_from(n % 251).unwrap(); 32]);
        log.append(event, Timestamp::from_millis(1_700_000_000_000 + n), state)
    };
    (0..count).zip(kinds).map(entry).collect()
}
