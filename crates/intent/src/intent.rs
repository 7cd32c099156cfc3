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
    /// The number of the payload among those of its account, where the chain counts them (EVM): of two
    /// payloads with one number, one takes effect.
    pub account_nonce: Option<u64>,
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
    /// On an EVM chain: the receiver of value or tokens, the spender of an allowance, the contract
    /// that is called, created or changed, the code that an account or a Safe runs; for a message
    /// `message:` and the digest that is signed. Of a raw digest: `digest:` and its bytes.
    pub destination: Address,
    /// What the decoder wants a rule or a person to notice.
    pub flags: Vec<Flag>,
    /// What kind, amount and destination do not say: the function that is called with its arguments,
    /// the text of a message, the fields of typed data. Printable ASCII; empty where there is no more.
    pub detail: String,
}

/// Kinds of effect, the more far-reaching the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectKind {
    /// Value moves to a destination.
    Transfer,
    /// Somebody may move so much of an asset from now on; so much in all, or so much more or less than
    /// before, as the function in the detail says.
    Allowance,
    /// Text is signed that no network takes; others may take it for a word of the key's owner.
    Message,
    /// Typed data is signed, on which contracts may act, now or later and whoever brings it.
    TypedData,
    /// Code of a contract runs.
    ContractCall,
    /// A contract is made.
    ContractCreation,
    /// Who or what controls a contract, a Safe or a proxy changes.
    AuthorityChange,
    /// An account runs a contract's code from now on, whoever calls it (EIP-7702).
    CodeDelegation,
    /// Bytes are signed of which nobody can say what they do: anything that the key can do.
    RawDigest,
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
    /// A call of a function that the decoder does not know: what it does is not shown.
    UnknownSelector,
    /// Typed data of a type that the decoder does not know, or for no contract: what it lets happen is not
    /// shown.
    UnknownType,
    /// Code of the destination runs with the storage, the funds and the name of a Safe.
    Delegatecall,
    /// An allowance of 2^160 - 1 or more, which is more than there is of any token.
    UnlimitedAllowance,
    /// The code behind a proxy, or who decides on it, changes.
    ProxyUpgrade,
    /// Valid on every chain (EIP-7702 with chain id 0).
    AnyChain,
    /// It moves, or opens to others, what another account than the key's own holds.
    ForeignFunds,
}

/// Base units of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// What it is.
    pub asset: Asset,
    /// How much, in the asset's smallest unit.
    pub base_units: U256,
}

/// An asset, by its CAIP-19 id, such as `bip122:…/slip44:0`, `solana:…/token:<mint>` or
/// `eip155:1/erc20:<address>`. Opaque and
/// case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asset(pub(crate) String);

/// An address in its network's own text form, never truncated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub(crate) String);

impl EffectKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Transfer,
        Self::Allowance,
        Self::Message,
        Self::TypedData,
        Self::ContractCall,
        Self::ContractCreation,
        Self::AuthorityChange,
        Self::CodeDelegation,
        Self::RawDigest,
    ];

    /// The name on every surface; also the name of the policy action.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Allowance => "allowance",
            Self::Message => "message",
            Self::TypedData => "typed_data",
            Self::ContractCall => "contract_call",
            Self::ContractCreation => "contract_creation",
            Self::AuthorityChange => "authority_change",
            Self::CodeDelegation => "code_delegation",
            Self::RawDigest => "raw_digest",
        }
    }
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 11] = [
        Self::SelfDestination,
        Self::Dust,
        Self::DurableNonce,
        Self::Data,
        Self::UnknownSelector,
        Self::UnknownType,
        Self::Delegatecall,
        Self::UnlimitedAllowance,
        Self::ProxyUpgrade,
        Self::AnyChain,
        Self::ForeignFunds,
    ];

    /// The name on every surface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfDestination => "self_destination",
            Self::Dust => "dust",
            Self::DurableNonce => "durable_nonce",
            Self::Data => "data",
            Self::UnknownSelector => "unknown_selector",
            Self::UnknownType => "unknown_type",
            Self::Delegatecall => "delegatecall",
            Self::UnlimitedAllowance => "unlimited_allowance",
            Self::ProxyUpgrade => "proxy_upgrade",
            Self::AnyChain => "any_chain",
            Self::ForeignFunds => "foreign_funds",
        }
    }
}

impl Asset {
    /// The network's native asset (SLIP-44 coin type). On every EVM chain it is 60, Ether's, whatever
    /// the chain calls its own: most have no number, and the chain id tells them apart.
    pub fn native(network: Network) -> Self {
        let coin_type = match network {
            Network::Bitcoin => 0,
            Network::BitcoinTestnet | Network::BitcoinSignet | Network::BitcoinRegtest => 1,
            Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => 501,
            Network::Evm(_) => 60,
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
    /// where there is one, the account nonce, each effect, the fee.
    /// Printable ASCII; amounts in base units, addresses never truncated.
    pub fn lines(&self) -> Vec<String> {
        let effect = |effect: &Effect| {
            let Amount { asset, base_units } = &effect.amount;
            let (kind, to) = (effect.kind.as_str(), effect.destination.as_str());
            let flags: Vec<_> = effect.flags.iter().map(|flag| flag.as_str()).collect();
            let flags =
                if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(", ")) };
            let detail = &effect.detail;
            let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
            format!("{kind} {base_units} of {} to {to}{flags}{detail}", asset.as_str())
        };
        let fee = format!("fee at most {} of {}", self.fee.base_units, self.fee.asset.as_str());
        let from = format!("pay from {}", self.from.as_str());
        let nonce = self.nonce_account.iter().map(|account| {
            format!("stay valid until the durable nonce of {} is advanced", account.as_str())
        });
        let number = self.account_nonce.iter().map(|nonce| format!("account nonce {nonce}"));
        let effects = self.effects.iter().map(effect);
        [from].into_iter().chain(nonce).chain(number).chain(effects).chain([fee]).collect()
    }

    /// What a request for this intent is called: the kind of its effects, or the most far-reaching
    /// of their kinds. Every effect is decided on under its own.
    pub fn action(&self) -> Option<EffectKind> {
        self.effects.iter().map(|effect| effect.kind).max()
    }

    /// The digest that approvals, audit entries and explanations bind: network, payer, effects, fee,
    /// change, durable nonce account and account nonce.
    pub fn effects_digest(&self) -> Digest {
        Transcript::new(Tag::Effects).value(self).finish()
    }
}

impl Transcribe for Intent {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.text(&self.network.to_string()).text(self.from.as_str());
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
        transcript.u64(u64::from(self.account_nonce.is_some()));
        self.account_nonce.iter().for_each(|nonce| {
            transcript.u64(*nonce);
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
        transcript.text(&self.detail);
    }
}

impl Transcribe for Amount {
    fn transcribe(&self, transcript: &mut Transcript) {
        transcript.text(self.asset.as_str()).bytes(&self.base_units.to_be_bytes::<32>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_every_flag_is_listed() {
        // A new one stops these matches from compiling: add it to ALL, too.
        let kind = |kind: EffectKind| match kind {
            EffectKind::Transfer
            | EffectKind::Allowance
            | EffectKind::Message
            | EffectKind::TypedData
            | EffectKind::ContractCall
            | EffectKind::ContractCreation
            | EffectKind::AuthorityChange
            | EffectKind::CodeDelegation
            | EffectKind::RawDigest => EffectKind::ALL.contains(&kind),
        };
        let flag = |flag: Flag| match flag {
            Flag::SelfDestination
            | Flag::Dust
            | Flag::DurableNonce
            | Flag::Data
            | Flag::UnknownSelector
            | Flag::UnknownType
            | Flag::Delegatecall
            | Flag::UnlimitedAllowance
            | Flag::ProxyUpgrade
            | Flag::AnyChain
            | Flag::ForeignFunds => Flag::ALL.contains(&flag),
        };
        assert!(EffectKind::ALL.into_iter().all(kind));
        assert!(Flag::ALL.into_iter().all(flag));
        assert!(EffectKind::ALL.is_sorted(), "the more far-reaching the later");
    }
}
