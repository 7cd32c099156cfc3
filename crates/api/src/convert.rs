//! Messages to domain values, and back.

mod answer;
mod approval;
mod ceremony;
mod certificate;
mod denial;
mod exchange;
mod order;
mod question;
pub(crate) mod request;
pub(crate) mod scheme;
mod signed;
mod signing;
mod status;
mod testimony;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;
