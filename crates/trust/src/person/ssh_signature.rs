//! Signatures of `ssh-keygen -Y sign`: SSHSIG, as OpenSSH's PROTOCOL.sshsig defines it, and
//! PROTOCOL.u2f for security keys.
//!
//! The parser and the arithmetic are those of crates; what is checked is checked here, since the parser
//! does not: that lengths fit, that nothing follows, that the signature's algorithm is the key's, that
//! the version is 1, that the point is of prime order.

use std::fmt;

use ssh_encoding::pem::{LineEnding, PemLabel};
use ssh_encoding::{Decode, DecodePem as _, Encode, EncodePem as _, Reader, Writer};
use ssh_key::{HashAlg, SshSig};

use super::{Namespace, PersonSignatureError, SshKey, UserVerification};
use crate::CredentialTextError;

/// The most bytes of a signature. The largest that verifies has some 500.
const BYTES_MAX: usize = 2 * 1024;
/// The most bytes of a signature's text: room for `BYTES_MAX` and its armor.
const TEXT_MAX: usize = 4 * 1024;
const PREAMBLE: &[u8] = b"SSHSIG";
/// Flags of an authenticator (WebAuthn, section 6.1).
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;

/// A signature in SSHSIG's format: parsed, bounded and in its one encoding, but not verified.
#[derive(Clone, PartialEq, Eq)]
pub struct SshSignature {
    key: SshKey,
    namespace: Namespace,
    hash: HashAlg,
    /// 64 bytes of Ed25519 or two mpints of ECDSA.
    signature: Vec<u8>,
    /// What a security key says and signs; there exactly if the key is one.
    authenticator: Option<Authenticator>,
    bytes: Vec<u8>,
    pem: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Authenticator {
    flags: u8,
    counter: u32,
}

/// Why bytes or a text are no signature of `ssh-keygen -Y sign` that could count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshSignatureError {
    /// Larger than any signature that could verify.
    #[error("a signature has at most 2048 bytes, and 4096 as text")]
    TooLong,
    /// Not in the format.
    #[error("not a signature of 'ssh-keygen -Y sign'")]
    Malformed,
    /// A version of the format other than 1.
    #[error("version {0} of the signature's format is not known")]
    Version(u32),
    /// A key, curve or hash that is not accepted.
    #[error("the signature's key is not an Ed25519 or P-256 key, or its hash not sha256 or sha512")]
    UnknownAlgorithm,
    /// The key is of an accepted kind, but could not be in a trust root.
    #[error("the signature's key: {0}")]
    Key(CredentialTextError),
    /// The signature is of another algorithm than the key.
    #[error("the signature is of another algorithm than its key")]
    AlgorithmMismatch,
    /// A namespace that is none of ours.
    #[error("the signature is not for a statement of quorate: sign with '-n quorate-…'")]
    UnknownNamespace,
    /// The field for future use is not empty.
    #[error("the signature's reserved field is not empty")]
    Reserved,
    /// Bytes after the signature.
    #[error("unexpected bytes after the signature")]
    TrailingBytes,
    /// Readable, but not in its one form.
    #[error("the signature is not in the form in which 'ssh-keygen -Y sign' writes it")]
    NotCanonical,
}

impl SshSignature {
    /// Reads what `ssh-keygen -Y sign` writes, exactly: lines of 70 characters that end with a line
    /// feed.
    ///
    /// # Errors
    /// [`SshSignatureError`].
    pub fn from_pem(text: &str) -> Result<Self, SshSignatureError> {
        if text.len() > TEXT_MAX {
            return Err(SshSignatureError::TooLong);
        }
        let blob = Blob::decode_pem(text).map_err(|_| SshSignatureError::Malformed)?;
        let signature = Self::from_bytes(&blob.0)?;
        if signature.pem == text { Ok(signature) } else { Err(SshSignatureError::NotCanonical) }
    }

    /// Reads the bytes inside the armor.
    ///
    /// # Errors
    /// [`SshSignatureError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SshSignatureError> {
        if bytes.len() > BYTES_MAX {
            return Err(SshSignatureError::TooLong);
        }
        let mut rest = bytes;
        let sig = SshSig::decode(&mut rest)?;
        if !rest.is_empty() {
            return Err(SshSignatureError::TrailingBytes);
        }
        if sig.version() != SshSig::VERSION {
            return Err(SshSignatureError::Version(sig.version()));
        }
        if !sig.reserved().is_empty() {
            return Err(SshSignatureError::Reserved);
        }
        let key = SshKey::from_key_data(sig.public_key())?;
        if sig.algorithm() != sig.public_key().algorithm() {
            return Err(SshSignatureError::AlgorithmMismatch);
        }
        let namespace =
            Namespace::named(sig.namespace()).ok_or(SshSignatureError::UnknownNamespace)?;
        let (signature, authenticator) = split(&key, sig.signature_bytes())?;
        let again =
            encode(&sig, &signature, authenticator).map_err(|_| SshSignatureError::Malformed)?;
        if again != bytes {
            return Err(SshSignatureError::NotCanonical);
        }
        let pem = Blob(again).encode_pem_string(LineEnding::LF);
        let pem = pem.map_err(|_| SshSignatureError::Malformed)?;
        let (hash, bytes) = (sig.hash_alg(), bytes.to_vec());
        Ok(Self { key, namespace, hash, signature, authenticator, bytes, pem })
    }

    /// The bytes inside the armor: what travels and is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, as `ssh-keygen -Y sign` writes it.
    pub fn as_pem(&self) -> &str {
        &self.pem
    }

    /// The key that the signature names: a hint whose it may be, believed only once verified.
    pub fn key(&self) -> &SshKey {
        &self.key
    }

    /// The kind of statement that it is for, believed only once verified.
    pub fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// How many signatures a security key says to have made, this one included; `None` of a key in
    /// software. A person who watches it may notice a copy of their key. Many keys always say 0.
    pub fn counter(&self) -> Option<u32> {
        self.authenticator.map(|authenticator| authenticator.counter)
    }

    pub(super) fn verify(
        &self,
        key: &SshKey,
        namespace: Namespace,
        text: &str,
        verification: UserVerification,
    ) -> Result<(), PersonSignatureError> {
        if self.namespace != namespace {
            let found = self.namespace;
            return Err(PersonSignatureError::OtherNamespace { expected: namespace, found });
        }
        if self.key != *key {
            let (expected, found) = (key.fingerprint(), self.key.fingerprint());
            return Err(PersonSignatureError::OtherKey { expected, found });
        }
        let signed = self.signed(key, namespace, text);
        if !signed.is_some_and(|signed| key.material().verify(&signed, &self.signature)) {
            return Err(PersonSignatureError::BadSignature);
        }
        // Only now are the flags the authenticator's own words.
        let flags = self.authenticator.map(|authenticator| authenticator.flags);
        if flags.is_some_and(|flags| flags & USER_PRESENT == 0) {
            return Err(PersonSignatureError::UserNotPresent);
        }
        match (verification, flags) {
            (UserVerification::NotRequired, _) => Ok(()),
            (UserVerification::Required, None) => Err(PersonSignatureError::CannotVerifyUser),
            (UserVerification::Required, Some(flags)) if flags & USER_VERIFIED == 0 => {
                Err(PersonSignatureError::UserNotVerified)
            }
            (UserVerification::Required, Some(_)) => Ok(()),
        }
    }

    /// What the key signed: SSHSIG's envelope of the text's hash; a security key signs hashes of its
    /// application and of that envelope, with what it says between them.
    fn signed(&self, key: &SshKey, namespace: Namespace, text: &str) -> Option<Vec<u8>> {
        let envelope = SshSig::signed_data(namespace.as_str(), self.hash, text.as_bytes()).ok()?;
        match (key.application(), self.authenticator) {
            (None, None) => Some(envelope),
            (Some(application), Some(Authenticator { flags, counter })) => {
                let mut signed = HashAlg::Sha256.digest(application.as_bytes());
                signed.push(flags);
                signed.extend(counter.to_be_bytes());
                signed.extend(HashAlg::Sha256.digest(&envelope));
                Some(signed)
            }
            (None, Some(_)) | (Some(_), None) => None,
        }
    }
}

/// Takes a signature as the parser holds it apart: with a security key, flags and counter are its end.
fn split(
    key: &SshKey,
    bytes: &[u8],
) -> Result<(Vec<u8>, Option<Authenticator>), SshSignatureError> {
    if key.application().is_none() {
        return Ok((bytes.to_vec(), None));
    }
    let (signature, trailer) = bytes.split_last_chunk::<5>().ok_or(SshSignatureError::Malformed)?;
    let [flags, counter @ ..] = *trailer;
    let authenticator = Authenticator { flags, counter: u32::from_be_bytes(counter) };
    Ok((signature.to_vec(), Some(authenticator)))
}

/// The one encoding. The parser's own would put a P-256 security key's flags and counter into the
/// wrong field (ssh-key 0.6.7).
fn encode(
    sig: &SshSig,
    signature: &[u8],
    authenticator: Option<Authenticator>,
) -> Result<Vec<u8>, ssh_encoding::Error> {
    let mut inner = Vec::new();
    sig.algorithm().encode(&mut inner)?;
    signature.encode(&mut inner)?;
    if let Some(Authenticator { flags, counter }) = authenticator {
        flags.encode(&mut inner)?;
        counter.encode(&mut inner)?;
    }
    let mut bytes = PREAMBLE.to_vec();
    sig.version().encode(&mut bytes)?;
    sig.public_key().encode_prefixed(&mut bytes)?;
    sig.namespace().encode(&mut bytes)?;
    sig.reserved().encode(&mut bytes)?;
    sig.hash_alg().encode(&mut bytes)?;
    inner.encode(&mut bytes)?;
    Ok(bytes)
}

/// Bytes in the armor of an SSH signature.
struct Blob(Vec<u8>);

impl Decode for Blob {
    type Error = ssh_encoding::Error;

    fn decode(reader: &mut impl Reader) -> Result<Self, ssh_encoding::Error> {
        let mut bytes = vec![0; reader.remaining_len()];
        reader.read(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Encode for Blob {
    fn encoded_len(&self) -> Result<usize, ssh_encoding::Error> {
        Ok(self.0.len())
    }

    fn encode(&self, writer: &mut impl Writer) -> Result<(), ssh_encoding::Error> {
        writer.write(&self.0)
    }
}

impl PemLabel for Blob {
    const PEM_LABEL: &'static str = "SSH SIGNATURE";
}

impl fmt::Debug for SshSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshSignature({} by {})", self.namespace, self.key.fingerprint())
    }
}

impl From<CredentialTextError> for SshSignatureError {
    fn from(error: CredentialTextError) -> Self {
        match error {
            CredentialTextError::UnknownAlgorithm => Self::UnknownAlgorithm,
            CredentialTextError::TooLong
            | CredentialTextError::Malformed
            | CredentialTextError::Comment
            | CredentialTextError::PublicKey
            | CredentialTextError::Application
            | CredentialTextError::NotCanonical => Self::Key(error),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum that says more than is asked")]
impl From<ssh_key::Error> for SshSignatureError {
    fn from(error: ssh_key::Error) -> Self {
        match error {
            ssh_key::Error::Version { number } => Self::Version(number),
            ssh_key::Error::Namespace => Self::UnknownNamespace,
            ssh_key::Error::AlgorithmUnknown
            | ssh_key::Error::AlgorithmUnsupported { .. }
            | ssh_key::Error::Encoding(ssh_encoding::Error::Label(_)) => Self::UnknownAlgorithm,
            _ => Self::Malformed,
        }
    }
}
