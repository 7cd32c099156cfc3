//! The attach streams: a node dials a coordinator and keeps two streams open, over which questions
//! come down and answers go up.
//!
//! *Control* carries everything small, *bulk* the rounds of ceremonies, so that the former never
//! waits behind the latter. Both are on one connection. The node is attached while both are open;
//! when either ends, for whatever reason, both do, and every unanswered question is lost.
//!
//! Nothing here waits for a slow reader: a queue that is full ends the attachment.

mod attachment;
mod backoff;
mod gateway;
mod questions;
mod registry;
mod uplink;
mod uplink_session;

pub use gateway::{
    Gateway, GatewayEvent, GatewayHandle, GatewayLimits, GatewayService, Unreachable,
};
pub use questions::Questions;
pub use uplink::{AnswerError, Uplink, UplinkConfig, UplinkEvent, UplinkHandle};

use std::time::Duration;

/// How long a stream may take to say what it is for, and the second one of a pair to follow.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
