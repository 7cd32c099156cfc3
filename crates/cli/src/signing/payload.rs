//! The payload of a command: from a file, or built for a plain payment.

use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use quorate_intent::compose::{
    Coin, EvmSending, Payment, bitcoin_payment, evm_token_transfer, evm_transfer,
    solana_nonce_transfer, solana_transfer,
};
use quorate_intent::{Address, Payload};
use quorate_model::{Network, PayloadFormat};
use ruint::aliases::U256;

use crate::args::PayloadArgs;
use crate::exit::Failure;
use crate::files;
use crate::verified_key::VerifiedKey;

/// The first bytes of every PSBT (BIP-174).
const PSBT_MAGIC: &[u8] = b"psbt\xff";

/// What to sign, as the command line names it.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The payload itself.
    Payload(Payload),
    /// A payment to build.
    Payment(Box<PaymentOrder>),
}

/// A plain payment.
#[derive(Debug, Clone)]
pub(crate) struct PaymentOrder {
    pub(crate) to: String,
    /// Base units: satoshis, lamports or wei.
    pub(crate) amount: u128,
    pub(crate) coins: Vec<CoinArg>,
    pub(crate) fee: Option<u64>,
    pub(crate) blockhash: Option<Blockhash>,
    /// Where the blockhash is a durable nonce: the account that holds it.
    pub(crate) nonce_account: Option<String>,
    pub(crate) evm: EvmOrder,
}

/// What a payment on an EVM chain says as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct EvmOrder {
    /// The contract of the token that is paid, and not the chain's own asset.
    pub(crate) token: Option<String>,
    pub(crate) nonce: Option<u64>,
    pub(crate) gas: Option<u64>,
    /// Wei for each gas.
    pub(crate) max_fee: Option<u128>,
    pub(crate) priority_fee: Option<u128>,
}

/// An unspent output as an argument: `txid:vout:sats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoinArg {
    pub(crate) outpoint: String,
    pub(crate) sats: u64,
}

/// A recent blockhash or a durable nonce as an argument, in Base58.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blockhash(pub(crate) [u8; 32]);

impl Source {
    /// The payload. Nothing is decoded yet.
    pub(crate) fn load(&self, key: &VerifiedKey, network: Network) -> Result<Payload, Failure> {
        match self {
            Self::Payload(payload) => Ok(payload.clone()),
            Self::Payment(order) => order.build(key, network),
        }
    }
}

impl PayloadArgs {
    /// The payload that is named, if one is. Nothing is decoded yet.
    pub(crate) fn load(&self) -> Result<Option<Payload>, Failure> {
        let files = [
            (&self.psbt, PayloadFormat::BitcoinPsbt),
            (&self.solana_message, PayloadFormat::SolanaMessage),
            (&self.evm, PayloadFormat::EvmTransaction),
            (&self.typed_data, PayloadFormat::EvmTypedData),
            (&self.authorization, PayloadFormat::EvmAuthorization),
        ];
        let mut files =
            files.into_iter().filter_map(|(path, format)| Some((path.as_ref()?, format)));
        if let Some((path, format)) = files.next() {
            return Ok(Some(Payload::new(format, read(format, path)?)));
        }
        let message = self.message.clone().map(|text| Payload::EvmMessage(text.into_bytes()));
        let digest = self.digest.map(|digest| Payload::RawDigest(digest.as_bytes().to_vec()));
        Ok(message.or(digest))
    }
}

impl PaymentOrder {
    fn build(&self, key: &VerifiedKey, network: Network) -> Result<Payload, Failure> {
        let address = parse(&self.to, network)?;
        match network {
            Network::Bitcoin
            | Network::BitcoinTestnet
            | Network::BitcoinSignet
            | Network::BitcoinRegtest => self.bitcoin(key, network, &address),
            Network::Solana | Network::SolanaDevnet | Network::SolanaTestnet => {
                self.solana(key, network, &address)
            }
            Network::Evm(_) => self.evm(key, network, &address),
        }
    }

    fn bitcoin(
        &self,
        key: &VerifiedKey,
        network: Network,
        address: &Address,
    ) -> Result<Payload, Failure> {
        let (false, Some(fee), None) = (self.coins.is_empty(), self.fee, self.blockhash) else {
            let message = "a Bitcoin payment needs --coin txid:vout:sats and --fee, no --blockhash";
            return Err(Failure::usage(message));
        };
        let coin = |coin| {
            let CoinArg { outpoint, sats }: &CoinArg = coin;
            Coin { outpoint, sats: *sats }
        };
        let coins: Vec<_> = self.coins.iter().map(coin).collect();
        let payment = Payment { address, sats: self.small_amount()? };
        let psbt = bitcoin_payment(key.paying(network), &coins, &[payment], fee)?;
        Ok(Payload::BitcoinPsbt(psbt))
    }

    fn solana(
        &self,
        key: &VerifiedKey,
        network: Network,
        address: &Address,
    ) -> Result<Payload, Failure> {
        let (true, None, Some(Blockhash(blockhash))) =
            (self.coins.is_empty(), self.fee, self.blockhash)
        else {
            let message = "a Solana payment needs --blockhash, and neither --coin nor --fee";
            return Err(Failure::usage(message));
        };
        let (key, amount) = (key.paying(network), self.small_amount()?);
        let message = match &self.nonce_account {
            None => solana_transfer(key, address, amount, blockhash)?,
            Some(holder) => {
                let holder = parse(holder, network)?;
                solana_nonce_transfer(key, address, amount, &holder, blockhash)?
            }
        };
        Ok(Payload::SolanaMessage(message))
    }

    fn evm(
        &self,
        key: &VerifiedKey,
        network: Network,
        address: &Address,
    ) -> Result<Payload, Failure> {
        let EvmOrder { token, nonce, gas, max_fee, priority_fee } = &self.evm;
        let (true, None, None, Some(nonce), Some(gas_limit), Some(max_fee_per_gas)) =
            (self.coins.is_empty(), self.fee, self.blockhash, *nonce, *gas, *max_fee)
        else {
            let message = "a payment on an EVM chain needs --nonce, --gas and --max-fee, and neither \
                           --coin nor --fee nor --blockhash";
            return Err(Failure::usage(message));
        };
        let max_priority_fee_per_gas = priority_fee.unwrap_or_default();
        let sending = EvmSending { nonce, gas_limit, max_fee_per_gas, max_priority_fee_per_gas };
        let (key, amount) = (key.paying(network), U256::from(self.amount));
        let transaction = match token {
            None => evm_transfer(key, address, amount, sending)?,
            Some(token) => {
                evm_token_transfer(key, &parse(token, network)?, address, amount, sending)?
            }
        };
        Ok(Payload::EvmTransaction(transaction))
    }

    /// What satoshis and lamports are counted in.
    fn small_amount(&self) -> Result<u64, Failure> {
        let message = "--amount is above 2^64 - 1 base units, which there are not";
        u64::try_from(self.amount).map_err(|_| Failure::usage(message))
    }
}

fn parse(address: &str, network: Network) -> Result<Address, Failure> {
    Address::parse(address, network).map_err(|error| Failure::usage(error.to_string()))
}

/// The payload in a file: binary, in Base64, or for EVM chains in hexadecimal digits after 0x.
fn read(format: PayloadFormat, path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = files::read_bytes(path)?;
    let is_evm_bytes =
        matches!(format, PayloadFormat::EvmTransaction | PayloadFormat::EvmAuthorization);
    if let Some(digits) = bytes.strip_prefix(b"0x").filter(|_| is_evm_bytes) {
        return hex::decode(digits.trim_ascii_end()).map_err(|error| {
            let what = format!("{} is not in hexadecimal digits", path.display());
            Failure::from(error).while_trying(what)
        });
    }
    let is_binary = match format {
        PayloadFormat::BitcoinPsbt => bytes.starts_with(PSBT_MAGIC),
        // A message begins with a version or a count, either of which is no letter of Base64.
        PayloadFormat::SolanaMessage => !bytes
            .first()
            .is_some_and(|first| first.is_ascii_alphanumeric() || b"+/".contains(first)),
        // A type below 6, or a list.
        PayloadFormat::EvmTransaction | PayloadFormat::EvmAuthorization => {
            bytes.first().is_some_and(|first| !first.is_ascii_graphic())
        }
        // As they are.
        PayloadFormat::EvmMessage | PayloadFormat::EvmTypedData | PayloadFormat::RawDigest => true,
    };
    if is_binary {
        return Ok(bytes);
    }
    let text: Vec<_> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(text).map_err(|error| {
        Failure::from(error).while_trying(format!(
            "{} is neither a binary {} nor one in Base64",
            path.display(),
            format.as_str()
        ))
    })
}

impl FromStr for CoinArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let coin = text.rsplit_once(':').and_then(|(outpoint, sats)| {
            let sats = sats.parse().ok()?;
            outpoint.contains(':').then(|| Self { outpoint: outpoint.to_owned(), sats })
        });
        coin.ok_or_else(|| format!("{text:?} is no coin: expected txid:vout:sats"))
    }
}

impl FromStr for Blockhash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = bs58::decode(text).into_vec().ok();
        let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| format!("{text:?} is no blockhash: 32 bytes in Base58"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(contents: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("payload");
        std::fs::write(&path, contents).unwrap();
        (dir, path)
    }

    #[test]
    fn a_payload_is_read_binary_or_in_base64() {
        let solana = [1, 0, 1, 3, 7];
        let evm = [2, 0xc1, 1];
        let (_dir, path) = written(b"0x02c101\n");
        assert_eq!(read(PayloadFormat::EvmTransaction, &path).unwrap(), evm);
        for (format, bytes) in [
            (PayloadFormat::EvmTransaction, evm.to_vec()),
            (PayloadFormat::EvmAuthorization, vec![5, 0xc1, 1]),
            (PayloadFormat::BitcoinPsbt, [PSBT_MAGIC, &[1, 2]].concat()),
            (PayloadFormat::SolanaMessage, solana.to_vec()),
        ] {
            let (_dir, path) = written(&bytes);
            assert_eq!(read(format, &path).unwrap(), bytes);
            let text = format!("{}\n", BASE64_STANDARD.encode(&bytes));
            let (_dir, path) = written(text.as_bytes());
            assert_eq!(read(format, &path).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let (_dir, path) = written(b"hello, world");
        assert!(read(PayloadFormat::BitcoinPsbt, &path).is_err());
        assert!(read(PayloadFormat::SolanaMessage, &path).is_err());
        assert!(read(PayloadFormat::EvmTransaction, &path).is_err());
        let (_dir, path) = written(b"0x0");
        assert!(read(PayloadFormat::EvmTransaction, &path).is_err());
    }

    #[test]
    fn typed_data_is_taken_as_it_stands() {
        let (_dir, path) = written(b"{}\n");
        assert_eq!(read(PayloadFormat::EvmTypedData, &path).unwrap(), b"{}\n");
    }

    #[test]
    fn coins_and_blockhashes_are_read() {
        let coin: CoinArg = "ab:0:5000".parse().unwrap();
        assert_eq!((coin.outpoint.as_str(), coin.sats), ("ab:0", 5000));
        for text in ["", "ab:0", "ab:0:", "ab:0:-1", "ab:0:x"] {
            assert!(text.parse::<CoinArg>().is_err(), "{text}");
        }
        let zero: Blockhash = "11111111111111111111111111111111".parse().unwrap();
        assert_eq!(zero.0, [0; 32]);
        assert!("1111".parse::<Blockhash>().is_err() && "0".parse::<Blockhash>().is_err());
    }
}
