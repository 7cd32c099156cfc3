"""Executes the Solana transactions of a demo in LiteSVM, a Solana runtime, signatures checked.

usage: solana_runtime.py REPORT
"""

import base64
import json
import sys

from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

FUNDS = 10_000_000_000
FEE = 5_000  # per signature


def runtime(payer):
    # The demo's blockhash is of no chain, and nothing else about the transaction is waived.
    svm = LiteSVM().with_blockhash_check(False).with_sigverify(True)
    svm.airdrop(payer, FUNDS)
    return svm


def balance(svm, account):
    return svm.get_balance(account) or 0


def refused(wire, payer):
    """Whether a runtime refuses the bytes, and no balance moves."""
    svm = runtime(payer)
    before = balance(svm, payer)
    try:
        result = svm.send_transaction(Transaction.from_bytes(wire))
    except Exception:  # what cannot be decoded is refused as well
        return True
    return isinstance(result, FailedTransactionMetadata) and balance(svm, payer) == before


def check(signature):
    wire = base64.b64decode(signature["transaction_base64"])
    assert wire.hex() == signature["transaction"], "two encodings of one transaction differ"
    transaction = Transaction.from_bytes(wire)
    payer = Pubkey(bytes.fromhex(signature["public_key"]))
    assert str(payer) == signature["address"], "the address is the key"
    assert bytes(transaction.message) == base64.b64decode(signature["payload"]), "not what was sent"
    assert transaction.signatures == [Signature(bytes.fromhex(signature["signatures"][0]))]

    [effect] = signature["intent"]["effects"]
    payee, amount = Pubkey.from_string(effect["destination"]), int(effect["amount"]["base_units"])
    assert int(signature["intent"]["fee"]["base_units"]) == FEE, "another fee was shown"
    svm = runtime(payer)
    funded = balance(svm, payer)
    result = svm.send_transaction(transaction)
    assert isinstance(result, TransactionMetadata), f"refused: {result.err()}"
    assert balance(svm, payee) == amount, f"{balance(svm, payee)} arrived, not {amount}"
    assert balance(svm, payer) == funded - amount - FEE, f"{balance(svm, payer)} is left"

    # Signature and message, each byte of both: the count before them is one byte.
    for at in range(1, len(wire)):
        tampered = bytearray(wire)
        tampered[at] ^= 1
        assert refused(bytes(tampered), payer), f"byte {at} was changed and nobody noticed"
    return amount, str(payee)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    transfers = [s for s in report["signatures"] if s["scheme"] == "frost-ed25519"]
    assert transfers, "the demo signed no Solana transaction"
    for signature in transfers:
        amount, payee = check(signature)
        print(f"    the Solana runtime moved {amount} lamports to {payee}")


if __name__ == "__main__":
    main()
