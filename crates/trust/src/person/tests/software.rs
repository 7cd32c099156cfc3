//! Security keys in software, and SSHSIG written by hand: an encoder that owes nothing to the parser
//! under test, and can be told to lie.

use ed25519_dalek::Signer as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use ssh_key::HashAlg;

pub(super) const ED25519: &str = "sk-ssh-ed25519@openssh.com";
pub(super) const P256: &str = "sk-ecdsa-sha2-nistp256@openssh.com";
pub(super) const TOUCHED: u8 = 0x01;
pub(super) const VERIFIED: u8 = 0x05;

/// A security key, with a fixed secret.
pub(super) enum Device {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

/// SSHSIG, field by field.
pub(super) struct Envelope {
    pub(super) version: u32,
    pub(super) key: Vec<u8>,
    pub(super) namespace: String,
    pub(super) reserved: Vec<u8>,
    pub(super) hash: String,
    pub(super) signature: Vec<u8>,
}

impl Device {
    pub(super) fn both() -> [Self; 2] {
        let p256 = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        [Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[7; 32])), Self::P256(p256)]
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => ED25519,
            Self::P256(_) => P256,
        }
    }

    /// The public key as SSH encodes it.
    pub(super) fn key(&self, application: &str) -> Vec<u8> {
        let mut key = Vec::new();
        string(&mut key, self.algorithm().as_bytes());
        match self {
            Self::Ed25519(secret) => string(&mut key, secret.verifying_key().as_bytes()),
            Self::P256(secret) => {
                string(&mut key, b"nistp256");
                let public = p256::PublicKey::from(secret.verifying_key());
                string(&mut key, public.to_encoded_point(false).as_bytes());
            }
        }
        string(&mut key, application.as_bytes());
        key
    }

    /// The public key as a line.
    pub(super) fn line(&self, application: &str) -> String {
        ssh_key::PublicKey::from_bytes(&self.key(application)).unwrap().to_openssh().unwrap()
    }

    /// What OpenSSH would make of this key's signature over a text.
    pub(super) fn envelope(&self, namespace: &str, text: &str, flags: u8) -> Envelope {
        let hash = HashAlg::Sha512;
        let mut signed = b"SSHSIG".to_vec();
        string(&mut signed, namespace.as_bytes());
        string(&mut signed, b"");
        string(&mut signed, hash.as_str().as_bytes());
        string(&mut signed, &hash.digest(text.as_bytes()));
        Envelope {
            version: 1,
            key: self.key("ssh:"),
            namespace: namespace.to_owned(),
            reserved: Vec::new(),
            hash: hash.as_str().to_owned(),
            signature: self.sign("ssh:", &signed, flags, 9),
        }
    }

    /// The signature field: algorithm, signature, flags, counter.
    pub(super) fn sign(
        &self,
        application: &str,
        message: &[u8],
        flags: u8,
        counter: u32,
    ) -> Vec<u8> {
        let mut signed = HashAlg::Sha256.digest(application.as_bytes());
        signed.push(flags);
        signed.extend(counter.to_be_bytes());
        signed.extend(HashAlg::Sha256.digest(message));
        let raw = match self {
            Self::Ed25519(secret) => secret.sign(&signed).to_bytes().to_vec(),
            Self::P256(secret) => {
                let signature: p256::ecdsa::Signature = secret.sign(&signed);
                mpints(&signature)
            }
        };
        signature(self.algorithm(), &raw, &[&[flags], &counter.to_be_bytes()[..]].concat())
    }
}

impl Envelope {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"SSHSIG".to_vec();
        bytes.extend(self.version.to_be_bytes());
        string(&mut bytes, &self.key);
        string(&mut bytes, self.namespace.as_bytes());
        string(&mut bytes, &self.reserved);
        string(&mut bytes, self.hash.as_bytes());
        string(&mut bytes, &self.signature);
        bytes
    }
}

/// A signature field, with what a security key says after it.
pub(super) fn signature(algorithm: &str, raw: &[u8], trailer: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    string(&mut bytes, algorithm.as_bytes());
    string(&mut bytes, raw);
    bytes.extend(trailer);
    bytes
}

/// `string` of RFC 4251, section 5.
pub(super) fn string(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend(value);
}

/// The two numbers of an ECDSA signature, each an `mpint` of RFC 4251, section 5.
pub(super) fn mpints(signature: &p256::ecdsa::Signature) -> Vec<u8> {
    let mut bytes = Vec::new();
    for scalar in <[_; 2]>::from(signature.split_bytes()) {
        let mut number: Vec<u8> = scalar.iter().copied().skip_while(|byte| *byte == 0).collect();
        if number.first().is_some_and(|byte| *byte >= 0x80) {
            number.insert(0, 0);
        }
        string(&mut bytes, &number);
    }
    bytes
}
