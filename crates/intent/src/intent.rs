//! The normalised intent: one shape for every chain, which gate, approvals, audit and people read.

use quorate_model::{Digest, Network, Tag, Transcribe, Transcript};
use ruint::aliases::U256;

/// What a payload does, as decoded from the exact bytes to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The network that the payload is for.
    pub network: Network,
    /// The address that pays: the key's own.
    pub from: Address,
    /// Everything that happens, in the payload's order; change excluded. Never empty.
    pub effects: Vec<Effect>,
    /// What the network takes.
    pub fee: Amount,
    /// Outputs proven to return to the key itself.
    pub change: Vec<Amount>,
    /// The durable nonce account that the payload is on, where it is on one (Solana): the payload
    /// does not expire by itself, and whoever controls the account decides until when it is valid.
    pub nonce_account: Option<Address>,
    /// Until when the payload can take effect, where the format says so itself (lock times, recent
    /// blockhashes); for people.
    pub validity: String,
    /// SHA-256, under a domain tag, of the exact payload bytes.
    pub payload_digest: Digest,
}

/// One thing that a payload does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What kind of thing.
    pub kind: EffectKind,
    /// What is moved, and how much, in base units.
    pub amount: Amount,
    /// Who receives it, in the network's own address format. For an SPL token this is the receiving
    /// token account, not the wallet that owns it. Data has no receiver: `op_return:` (Bitcoin) or
    /// `memo:` (Solana) and its bytes in hexadecimal digits, which no list of addresses can contain.
    pub destination: Address,
    /// What the decoder wants a rule or a person to notice.
    pub flags: Vec<Flag>,
}

/// Kinds of effect (more come with more chains).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// Value moves to a destination.
    Transfer,
}

/// What a decoder flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// The destination is the paying address itself, outside change.
    SelfDestination,
    /// An output below the network's dust limit.
    Dust,
    /// The payload opens by using a durable nonce: it does not expire by itself.
    DurableNonce,
    /// A data-carrying output that moves no value (OP_RETURN, memo).
    Data,
}

/// Base units of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// What it is.
    pub asset: Asset,
    /// How much, in the asset's smallest unit.
    pub base_units: U256,
}

/// An asset, by its CAIP-19 id, such as `bip122:…/slip44:0` or `solana:…/token:<mint>`. Opaque and
/// case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asset(pub(crate) String);

/// An address in its network's own text form, never truncated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub(crate) String);

impl EffectKind {
    /// The name on every surface; also the name of the policy action.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
        }
    }
}

impl Flag {
    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfDestination => "self_destination",
            Self::Dust => "dust",
            Self::DurableNonce => "durable_nonce",
            Self::Data => "data",
        }
    }
}

impl Asset {
    /// The network's native asset (SLIP-44 coin type).
    pub fn native(network: Network) -> Self {
        let coin_type = match network {
            Network::Bitcoin => 0,
            Network::BitcoinTestnet | Network::BitcoinSignet | Network::BitcoinRegtest => 1,
            Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => 501,
        };
        Self(format!("{network}/slip44:{coin_type}"))
    }

    /// The CAIP-19 id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Address {
    /// The text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Intent {
    /// The intent in words, for people and for what they sign: who pays, the durable nonce account
    /// where there is one, each effect, the fee.
    /// Printable ASCII; amounts in base units, addresses never truncated.
    pub fn lines(&self) -> Vec<String> {
        let effect = |effect: &Effect| {
            let Amount { asset, base_units } = &effect.amount;
            let (kind, to) = (effect.kind.as_str(), effect.destination.as_str());
            let flags: Vec<_> = effect.flags.iter().map(|flag| flag.as_str()).collect();
            let flags =
                if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) };
            format!("{kind} {base_units} of {} to {to}{flags}", asset.as_str())
        };
        let fee = format!("fee at most {} of {}", self.fee.base_units, self.fee.asset.as_str());
        let from = format!("pay from {}", self.from.as_str());
        let nonce = self.nonce_account.iter().map(|account| {
            format!("stay valid until the durable nonce of {} is advanced", account.as_str())
        });
        let effects = self.effects.iter().map(effect);
        [from].into_iter().chain(nonce).chain(effects).chain([fee]).collect()
    }

    /// The digest that approvals, audit entries and explanations bind: network, payer, effects, fee,
    /// change and durable nonce account.
    pub fn effects_digest(&self) -> Digest {
        Transcript::new(Tag::Effects).value(self).finish()
    }
}

impl Transcribe for Intent {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.text(self.network.as_str()).text(self.from.as_str());
        transcript.u64(self.effects.len() as u64);
        self.effects.iter().for_each(|effect| {
            transcript.value(effect);
        });
        transcript.value(&self.fee).u64(self.change.len() as u64);
        self.change.iter().for_each(|change| {
            transcript.value(change);
        });
        transcript.u64(u64::from(self.nonce_account.is_some()));
        self.nonce_account.iter().for_each(|account| {
            transcript.text(account.as_str());
        });
    }
}

impl Transcribe for Effect {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.text(self.kind.as_str()).value(&self.amount).text(self.destination.as_str());
        transcript.u64(self.flags.len() as u64);
        self.flags.iter().for_each(|flag| {
            transcript.text(flag.as_str());
        });
    }
}

impl Transcribe for Amount {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.text(self.asset.as_str()).bytes(&self.base_units.to_be_bytes::<32>());
    }
}
