//! Clients of a cluster: each sends a payment, waits for its signature, and sends the next.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bitcoin::absolute::LockTime;
use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Transaction, TxIn, TxOut, Txid};
use quorate_api::name;
use quorate_api::pb::custody::v1::key_service_client::KeyServiceClient;
use quorate_api::pb::custody::v1::signing_service_client::SigningServiceClient;
use quorate_api::pb::custody::v1::{CreateSignRequestRequest, GetKeyRequest, SignRequestState};
use quorate_api::statement::encode_sign_request;
use quorate_coordinator::KeyView;
use quorate_intent::compose::{
    Coin, EvmSending, Payment, bitcoin_payment_proven, evm_transfer, solana_transfer,
};
use quorate_intent::{Address, PayingKey, address};
use quorate_model::{
    ClusterId, DerivationPath, KeyId, Network, PayloadFormat, RequestId, Scheme, Timestamp,
};
use quorate_net::{ExpectedServer, TlsMaterial, connect};
use quorate_protocol::verify_signature;
use quorate_trust::{SignRequest, SignedRequest, SigningKey, TrustRoot};
use rand_core::{OsRng, RngCore as _};
use ruint::aliases::U256;
use tokio::task::JoinSet;
use tonic::transport::Channel;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

const WAIT_MS: u32 = 30_000;
const LIFETIME_MS: u64 = 10 * 60_000;
/// Payees that the policy of a development cluster lists.
const SOL_PAYEE: &str = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z";
const BTC_PAYEE: &str = "bcrt1qcr8te4kr609gcawutmrza0j4xv80jy8zeqchgx";
const ETH_PAYEE: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// What clients have signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payments {
    pub(crate) network: Network,
    pub(crate) scheme: Scheme,
    /// Of Bitcoin: how many each payment spends, with a signature for each.
    pub(crate) coins: u32,
}

/// What was measured. A request may be for several signatures.
pub(crate) struct Figures {
    pub(crate) signatures: usize,
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The service of a development cluster, and the keys that it pays from, all of one network.
pub(crate) struct Service {
    address: String,
    tls: TlsMaterial,
    cluster: ClusterId,
    request_key: SigningKey,
    keys: Vec<Key>,
    payments: Payments,
    payee: Address,
    /// Of the next EVM transaction.
    nonce: AtomicU64,
}

struct Key {
    id: KeyId,
    group_verifying_key: Vec<u8>,
}

/// What so many of a hundred requests took at most.
pub(crate) fn percentile(latencies: &mut [Duration], percent: usize) -> Result<Duration, Failure> {
    latencies.sort_unstable();
    let at = (latencies.len() * percent).div_ceil(100).saturating_sub(1);
    Ok(latencies.get(at).copied().ok_or("nothing was signed")?)
}

impl Service {
    pub(crate) async fn open(
        profile: &Path,
        cluster: &Path,
        keys: &[String],
        payments: Payments,
    ) -> Result<Arc<Self>, Failure> {
        let read = |name: &str| std::fs::read_to_string(profile.join(name));
        let ready = std::fs::read_to_string(cluster.join("coordinator/ready"))?;
        let file = |name: &str| profile.join(name);
        let network = payments.network;
        let payee = match network.usual_scheme() {
            Scheme::FrostEd25519 => SOL_PAYEE,
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => BTC_PAYEE,
            Scheme::EcdsaSecp256k1 => ETH_PAYEE,
        };
        let mut service = Self {
            address: ready.trim().to_owned(),
            tls: TlsMaterial::load(&file("ca.crt"), &file("tls.crt"), &file("tls.key"))?,
            cluster: TrustRoot::parse(&read("root.txt")?)?.hash(),
            request_key: SigningKey::from_pkcs8_pem(&read("request.pem")?)?,
            keys: Vec::new(),
            payments,
            payee: Address::parse(payee, network)?,
            nonce: AtomicU64::new(0),
        };
        let mut client = KeyServiceClient::new(service.connect().await?);
        for key in keys {
            let call = GetKeyRequest { name: name::key(&key.parse()?) };
            let view = KeyView::try_from(client.get_key(call).await?.into_inner())?;
            let certified = view.record.certificate.certified;
            let group_verifying_key = certified.group_verifying_key;
            service.keys.push(Key { id: certified.key, group_verifying_key });
        }
        Ok(Arc::new(service))
    }

    async fn connect(&self) -> Result<Channel, Failure> {
        let host = self.address.rsplit_once(':').map_or("", |(host, _)| host);
        Ok(connect(&self.address, &self.tls, ExpectedServer::at(host)?).await?)
    }

    /// So many clients at once, each with a connection of its own, for so long. Each request is under
    /// one of the keys at random.
    pub(crate) async fn load(
        self: &Arc<Self>,
        clients: usize,
        measured: Duration,
    ) -> Result<Figures, Failure> {
        let begun = Instant::now();
        let mut latencies = self.latencies(clients, measured).await?;
        // The last requests end after the time is up: what they took counts.
        let elapsed = begun.elapsed().as_secs_f64();
        let (p50, p99) = (percentile(&mut latencies, 50)?, percentile(&mut latencies, 99)?);
        let signatures = latencies.len() * self.payments.coins as usize;
        let per_second = signatures as f64 / elapsed;
        Ok(Figures { signatures, per_second, p50, p99 })
    }

    /// As [`Service::load`]: the time that each request took.
    pub(crate) async fn latencies(
        self: &Arc<Self>,
        clients: usize,
        measured: Duration,
    ) -> Result<Vec<Duration>, Failure> {
        let mut channels = Vec::new();
        for _ in 0..clients {
            channels.push(self.connect().await?);
        }
        let until = Instant::now() + measured;
        let mut tasks = JoinSet::new();
        for channel in channels {
            let service = Arc::clone(self);
            tasks.spawn(async move { service.client(channel, until).await });
        }
        let mut latencies = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            latencies.extend(ended??);
        }
        Ok(latencies)
    }

    /// One client: the time that each of its signatures took.
    async fn client(&self, channel: Channel, until: Instant) -> Result<Vec<Duration>, Failure> {
        let mut signing = SigningServiceClient::new(channel);
        let mut latencies = Vec::new();
        while Instant::now() < until {
            let key = self.any_key().ok_or("the service has no key")?;
            let request = self.payment(key)?;
            let begun = Instant::now();
            let call = CreateSignRequestRequest {
                request: Some(request.into()),
                validate_only: false,
                verdicts: Vec::new(),
                wait_ms: WAIT_MS,
            };
            let answer = signing.create_sign_request(call).await?.into_inner();
            latencies.push(begun.elapsed());
            let pairs = answer.signing_messages.iter().zip(&answer.signatures);
            let (scheme, public) = (self.payments.scheme, &key.group_verifying_key);
            let verified = pairs.clone().all(|(m, s)| verify_signature(scheme, public, m, s));
            let whole = pairs.len() == self.payments.coins as usize;
            if answer.state() != SignRequestState::Signed || !whole || !verified {
                return Err(format!("{:?}: {}", answer.state(), answer.reason).into());
            }
        }
        Ok(latencies)
    }

    fn any_key(&self) -> Option<&Key> {
        let count = u32::try_from(self.keys.len()).ok()?;
        self.keys.get(OsRng.next_u32().checked_rem(count)? as usize)
    }

    /// A payment like no other: a new request id, a new blockhash or coin.
    fn payment(&self, from: &Key) -> Result<SignedRequest, Failure> {
        let (mut id, mut unique) = ([0; 16], [0; 32]);
        OsRng.fill_bytes(&mut id);
        OsRng.fill_bytes(&mut unique);
        let Payments { network, scheme, .. } = self.payments;
        let key = PayingKey { group_verifying_key: &from.group_verifying_key, network, scheme };
        let (payload_format, payload) = match network.usual_scheme() {
            Scheme::FrostEd25519 => {
                let message = solana_transfer(key, &self.payee, 1_000_000, unique)?;
                (PayloadFormat::SolanaMessage, message)
            }
            Scheme::EcdsaSecp256k1 => {
                let nonce = self.nonce.fetch_add(1, Ordering::Relaxed);
                let sending = EvmSending {
                    nonce,
                    gas_limit: 21_000,
                    max_fee_per_gas: 1_000_000_000,
                    max_priority_fee_per_gas: 1,
                };
                let wei = U256::from(1_000_000_000_u64);
                (PayloadFormat::EvmTransaction, evm_transfer(key, &self.payee, wei, sending)?)
            }
            Scheme::FrostSecp256k1Tr | Scheme::FrostSecp256k1 => {
                (PayloadFormat::BitcoinPsbt, self.bitcoin_payment(key, unique)?)
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let request = SignRequest {
            cluster: self.cluster,
            service: "payments".parse()?,
            request_id: RequestId::new(id),
            key: from.id.clone(),
            path: DerivationPath::root(),
            scheme,
            network,
            action: "transfer".to_owned(),
            payload_format,
            payload,
            expires: Timestamp::from_millis(u64::try_from(now)? + LIFETIME_MS),
            client_reference: String::new(),
        };
        Ok(SignedRequest::sign(encode_sign_request(&request), request, &self.request_key))
    }

    /// A payment of all that a transaction like no other made for the key.
    fn bitcoin_payment(&self, key: PayingKey<'_>, unique: [u8; 32]) -> Result<Vec<u8>, Failure> {
        let own: bitcoin::Address<_> = address(key)?.as_str().parse::<bitcoin::Address<_>>()?;
        let script_pubkey = own.assume_checked().script_pubkey();
        let value = Amount::from_sat(100_000 / u64::from(self.payments.coins));
        let previous_output = OutPoint::new(Txid::from_byte_array(unique), 0);
        let made = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn { previous_output, ..TxIn::default() }],
            output: (0..self.payments.coins)
                .map(|_| TxOut { value, script_pubkey: script_pubkey.clone() })
                .collect(),
        };
        let id = made.compute_txid();
        let outpoints: Vec<_> =
            (0..self.payments.coins).map(|number| format!("{id}:{number}")).collect();
        let coin = |outpoint| Coin { outpoint, sats: value.to_sat() };
        let coins: Vec<_> = outpoints.iter().map(|outpoint| coin(outpoint)).collect();
        let payment = Payment { address: &self.payee, sats: 50_000 };
        // What made the coins proves their worth, where signatures alone do not (BIP-143).
        let previous = match self.payments.scheme {
            Scheme::EcdsaSecp256k1 => vec![serialize(&made)],
            Scheme::FrostEd25519 | Scheme::FrostSecp256k1 | Scheme::FrostSecp256k1Tr => Vec::new(),
        };
        Ok(bitcoin_payment_proven(key, &coins, &previous, &[payment], 900)?)
    }
}
