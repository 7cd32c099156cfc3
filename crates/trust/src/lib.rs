//! The trust root and the signed statements under it, verified without I/O.
//!
//! **Architecture invariant:** nothing here believes a field that says who sent something. A sender
//! is whoever's key, named by the trust root, verifies the signature.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod approval;
mod credential;
mod destination;
mod key_states;
mod order;
mod person;
mod recipient;
mod request;
mod risk;
mod root;
mod signed;
mod stops;
mod succession;
mod text;

pub use quorate_model::PayloadFormat;

pub use approval::{
    APPROVAL_BYTES_MAX, Approval, ApprovalError, ApprovalNonce, ApprovalSubject, Decoding,
    EFFECTS_MAX, SignedApproval, TooManyEffects, Verdict, VerifiedApproval,
};
pub use credential::{CredentialError, PublicKey, Signature, SigningKey, verify_ed25519};
pub use destination::{DESTINATIONS_MAX, Destination, ParseDestination, Sweep};
pub use key_states::{KEY_STATE_ORDERS_MAX, KeyStateError, KeyStates, Standing};
pub use order::{
    Authority, GenerateKey, KeyOrder, Order, OrderAction, OrderError, ParseScope, Readmission,
    ReshareKey, SIGNATURES_MAX, Scope, SharingChange, SignedOrder, StateChange, Successor,
    VerifiedOrder, Window, orders_head,
};
pub use person::{
    Credential, CredentialTextError, KeyMaterial, Namespace, PersonSignature, PersonSignatureError,
    SignerError, SshKey, SshSignature, SshSignatureError, StatementSignature, UserVerification,
};
pub use recipient::{Recipient, RecipientError};
pub use request::{RequestError, SignRequest, SignedRequest, VerifiedRequest, limits};
pub use risk::{
    RISK_VERDICTS_MAX, RiskVerdict, RiskVerdictError, SignedRiskVerdict, VerifiedRiskVerdict,
};
pub use root::{
    Amendment, AmendmentError, Label, Lineage, NodeEntry, PersonEntry, QUORUMS, Quorum,
    RecoveryError, RootError, ServiceEntry, Shared, SinglePoint, TrustRoot,
};
pub use signed::{Authentic, Body, SenderError, Signed};
pub use stops::{STOPS_MAX, Stop, StopError, Stops};
pub use succession::{Scheduled, Succession, SuccessionError};
pub use text::TextError;
