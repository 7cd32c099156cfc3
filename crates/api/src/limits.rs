//! What may come in at most. A domain value over a limit is refused where it is received.

/// Participants of a set, and messages of one round.
pub const PARTICIPANTS_MAX: usize = 64;
/// Messages that one sign request has signed.
pub const MESSAGES_MAX: usize = quorate_intent::SIGNING_MESSAGES_MAX;
/// Bytes of a payload.
pub const PAYLOAD_BYTES_MAX: usize = quorate_trust::limits::PAYLOAD_BYTES_MAX;
/// Bytes of a sign request's statement: a payload, and 1 KiB for everything else in it.
pub const STATEMENT_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 1024;
/// Coefficients that a participant of a key generation commits to: as many as the threshold.
pub const COMMITMENTS_MAX: usize = PARTICIPANTS_MAX;
/// Bytes of a text that says why.
pub const REASON_BYTES_MAX: usize = 4 * 1024;
/// Bytes of an order's text.
pub const ORDER_BYTES_MAX: usize = 16 * 1024;
/// Signatures under an order.
pub const ORDER_SIGNATURES_MAX: usize = quorate_trust::SIGNATURES_MAX;
/// Bytes of the text of an approval.
pub const APPROVAL_BYTES_MAX: usize = quorate_trust::APPROVAL_BYTES_MAX;
/// Approvals of one request.
pub const APPROVALS_MAX: usize = quorate_trust::SIGNATURES_MAX;
/// Risk verdicts about one request.
pub const RISK_VERDICTS_MAX: usize = quorate_trust::RISK_VERDICTS_MAX;
/// Quorums that a node says are missing.
pub const MISSING_QUORUMS_MAX: usize = 8;
/// Verdicts that a node says are missing.
pub const MISSING_VERDICTS_MAX: usize = 8;
/// Members of a quorum that a node says is missing.
pub const QUORUM_MEMBERS_MAX: usize = 32;
/// Orders that a node lists: stops, lifts, policy bundles and versions of the trust root.
pub const ORDERS_MAX: usize = 4_096;
/// Signatures that confirm a key.
pub const CONFIRMATIONS_MAX: usize = PARTICIPANTS_MAX;
/// Bytes of the proof of a key: its certificate and confirmations, each of at most 64 participants.
pub const KEY_PROOF_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an encoded element: 33 for secp256k1 (SEC 1, compressed), 32 for Ed25519.
pub const ELEMENT_BYTES_MAX: usize = 33;
/// Bytes of an encoded scalar.
pub const SCALAR_BYTES_MAX: usize = 32;
/// Bytes of what a signer releases for a message: a scalar, or three for an ECDSA key.
pub const SHARE_BYTES_MAX: usize = 3 * SCALAR_BYTES_MAX;
/// Bytes of what an exchange tells everybody in a round.
pub const BROADCAST_BYTES_MAX: usize = 256 * 1024;
/// Bytes of an encoded group signature or proof of knowledge: an element and a scalar.
pub const SIGNATURE_BYTES_MAX: usize = ELEMENT_BYTES_MAX + SCALAR_BYTES_MAX;
/// Bytes of a sealed share: a scalar and an authentication tag, and some to spare.
pub const SEALED_SHARE_BYTES_MAX: usize = 64;
/// Bytes of the file of a backup. A key takes about 1 KiB where three nodes hold it, and 4 KiB where
/// twelve do.
pub const BACKUP_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Recovery officers of a backup.
pub const BACKUP_OFFICERS_MAX: usize = 16;
/// Bytes of the age file with an officer's piece: some 400 as quorate makes it.
pub const BACKUP_PIECE_BYTES_MAX: usize = 4 * 1024;
/// Bytes of a restore proof.
pub const RESTORE_PROOF_BYTES_MAX: usize = 1024;
/// Reasons why a node is not ready.
pub const STATUS_REASONS_MAX: usize = 16;
/// Bytes of a software version.
pub const VERSION_BYTES_MAX: usize = 64;
/// Rules that a simulation names.
pub const RULES_MAX: usize = 256;
/// Bytes of a resource name or page token.
pub const NAME_BYTES_MAX: usize = 512;
/// How long a call may wait for a request: milliseconds.
pub const WAIT_MS_MAX: u32 = 60_000;
/// Items of a page where the caller does not say.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// Items of a page.
pub const PAGE_SIZE_MAX: usize = 1_000;
/// Bytes of a frame. The largest that can be right is a share question: 64 signers' pairs of
/// commitments for 256 messages, 1.2 MB.
pub const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
