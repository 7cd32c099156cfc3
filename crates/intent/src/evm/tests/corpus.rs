//! Transactions as people send them, from a seed.

use alloy_consensus::{TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{B256, TxKind};

use super::calls::{executed, packed};
use super::refusals::delegating;
use super::*;

/// Xorshift (Marsaglia, 2003): a failure is the same on every machine.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn account(&mut self) -> Address {
        let known = [TOKEN, SAFE, ALICE, BOB, own()];
        match self.below(8) {
            index @ 0..5 => known[index],
            _ => Address::from_slice(&self.bytes(20)),
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    fn amount(&mut self) -> U256 {
        match self.below(6) {
            0 => U256::ZERO,
            1 => U256::MAX,
            2 => U256::from(1_000_000),
            3 => (U256::from(1) << 160usize) - U256::from(1),
            _ => U256::from(self.next()),
        }
    }

    fn call(&mut self, depth: usize) -> Vec<u8> {
        let amount = |random: &mut Self| DynSolValue::Uint(random.amount(), 256);
        match self.below(if depth == 0 { 8 } else { 11 }) {
            0 => Vec::new(),
            1 => {
                let arguments = vec![address(self.account()), amount(self)];
                calldata("transfer(address,uint256)", arguments)
            }
            2 => {
                let arguments =
                    vec![address(self.account()), address(self.account()), amount(self)];
                calldata("transferFrom(address,address,uint256)", arguments)
            }
            3 => {
                let arguments = vec![address(self.account()), amount(self)];
                calldata("approve(address,uint256)", arguments)
            }
            4 => {
                let approved = DynSolValue::Bool(self.below(2) == 0);
                calldata("setApprovalForAll(address,bool)", vec![address(self.account()), approved])
            }
            5 => {
                let arguments =
                    vec![address(self.account()), address(self.account()), amount(self)];
                calldata("safeTransferFrom(address,address,uint256)", arguments)
            }
            // Wrapped ether, or a swap.
            6 => calldata("deposit()", vec![]),
            7 => {
                let length = self.below(200) + 1;
                self.bytes(length)
            }
            8 => {
                let inner = self.call(depth - 1);
                let operation = u64::from(self.below(4) == 0);
                let value = if operation == 1 { 0 } else { self.next() % 9 };
                executed(self.account(), value, &inner, operation)
            }
            9 => {
                let all = (0..self.below(4)).map(|_| bytes(&self.call(depth - 1))).collect();
                calldata("multicall(bytes[])", vec![DynSolValue::Array(all)])
            }
            _ => {
                let batch: Vec<_> = (0..self.below(4) + 1)
                    .flat_map(|_| {
                        let inner = self.call(depth - 1);
                        packed(0, self.account(), self.0 % 9, &inner)
                    })
                    .collect();
                let batch = calldata("multiSend(bytes)", vec![bytes(&batch)]);
                executed(self.account(), 0, &batch, 1)
            }
        }
    }

    fn access_list(&mut self) -> AccessList {
        let items = (0..self.below(3)).map(|_| AccessListItem {
            address: self.account(),
            storage_keys: (0..self.below(3)).map(|_| B256::from_slice(&self.bytes(32))).collect(),
        });
        AccessList(items.collect())
    }

    /// A transaction of one of the five types.
    #[expect(clippy::too_many_lines, reason = "five types, field by field")]
    pub(super) fn transaction(&mut self, kind: u8) -> Vec<u8> {
        let input = self.call(2).into();
        let nonce = self.next() % 10_000;
        let gas_limit = 21_000 + self.next() % 1_000_000;
        let max_fee_per_gas = u128::from(self.next() % 300_000_000_000);
        let max_priority_fee_per_gas = max_fee_per_gas / 3;
        let value = if self.below(2) == 0 { U256::ZERO } else { U256::from(self.next()) };
        let to = self.account();
        let kind_of_call = if self.below(20) == 0 { TxKind::Create } else { TxKind::Call(to) };
        let access_list = self.access_list();
        match kind {
            0 => TxLegacy {
                chain_id: Some(1),
                nonce,
                gas_price: max_fee_per_gas,
                gas_limit,
                to: kind_of_call,
                value,
                input,
            }
            .encoded_for_signing(),
            1 => TxEip2930 {
                chain_id: 1,
                nonce,
                gas_price: max_fee_per_gas,
                gas_limit,
                to: kind_of_call,
                value,
                access_list,
                input,
            }
            .encoded_for_signing(),
            2 => TxEip1559 {
                chain_id: 1,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to: kind_of_call,
                value,
                access_list,
                input,
            }
            .encoded_for_signing(),
            3 => TxEip4844 {
                chain_id: 1,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                blob_versioned_hashes: vec![B256::repeat_byte(1); 1 + self.below(6)],
                max_fee_per_blob_gas: u128::from(self.next() % 1_000_000),
                input,
            }
            .encoded_for_signing(),
            _ => {
                let chain_id = self.next() % 2;
                TxEip7702 {
                    chain_id: 1,
                    nonce,
                    gas_limit,
                    max_fee_per_gas,
                    max_priority_fee_per_gas,
                    to,
                    value,
                    access_list,
                    authorization_list: delegating(chain_id).authorization_list,
                    input,
                }
                .encoded_for_signing()
            }
        }
    }

    /// One to three changes.
    pub(super) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut mutated = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(mutated.len() + 1);
            match (self.below(6), mutated.get_mut(at)) {
                (0 | 1, Some(byte)) => *byte ^= 1 << self.below(8),
                (2, Some(byte)) => *byte = self.next() as u8,
                (3, Some(_)) => {
                    mutated.remove(at);
                }
                (4, Some(_)) => mutated.truncate(at),
                (_, _) => mutated.insert(at, self.next() as u8),
            }
        }
        mutated
    }
}
