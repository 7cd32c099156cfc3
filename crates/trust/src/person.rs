//! The credentials of people: a key file, or a key that `ssh-keygen` knows, and their signatures.

mod credential;
mod key_material;
mod namespace;
mod signature;
mod ssh_key;
mod ssh_signature;
#[cfg(test)]
mod tests;

pub use credential::{Credential, CredentialTextError, UserVerification};
pub use key_material::KeyMaterial;
pub use namespace::Namespace;
pub use signature::{PersonSignature, PersonSignatureError, SignerError, StatementSignature};
pub use ssh_key::SshKey;
pub use ssh_signature::{SshSignature, SshSignatureError};
