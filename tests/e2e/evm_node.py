"""Sends the EVM transactions of a demo to Anvil, an EVM node, and looks at what they did.

    evm_node.py ANVIL DEMO.json

ANVIL is the program of that name (npm: @foundry-rs/anvil).
"""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request

CHAIN = 31337
ETHER = 10**18
# The simplest token there is: an account's balance is at the storage slot of its address.
# transfer(to, amount): slot[caller] -= amount; slot[to] += amount; return 1.
TOKEN_CODE = "0x602435335403335560243560043554016004355560016000526020" + "6000f3"


class Node:
    def __init__(self, url):
        self.url = url

    def call(self, method, *params):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        if "error" in said:
            raise AssertionError(f"{method}: {said['error']}")
        return said["result"]

    def receipt(self, transaction):
        """What became of it: mining takes a moment."""
        for _ in range(100):
            receipt = self.call("eth_getTransactionReceipt", transaction)
            if receipt is not None:
                return receipt
            time.sleep(0.05)
        raise AssertionError(f"{transaction} is not mined")

    def balance(self, address):
        return int(self.call("eth_getBalance", address, "latest"), 16)

    def tokens(self, token, address):
        return int(self.call("eth_getStorageAt", token, slot(address), "latest"), 16)


@contextlib.contextmanager
def running(anvil, *options):
    """A node for as long as it is needed."""
    port = free_port()
    command = [anvil, "--port", str(port), "--chain-id", str(CHAIN), "--silent", *options]
    with subprocess.Popen(command) as process:
        try:
            node = Node(f"http://127.0.0.1:{port}")
            for _ in range(100):
                try:
                    assert int(node.call("eth_chainId"), 16) == CHAIN
                    break
                except OSError:
                    time.sleep(0.1)
            yield node
        finally:
            process.terminate()


def slot(address):
    return "0x" + address.lower().removeprefix("0x").rjust(64, "0")


def word(number):
    return f"0x{number:064x}"


def check(node, signature):
    """One transaction: taken by the node, from the key's account, with the effect that was shown."""
    intent = signature["intent"]
    sender = signature["address"]
    [effect] = intent["effects"]
    asset, amount = effect["amount"]["asset"], int(effect["amount"]["base_units"])
    receiver = effect["destination"]
    token = asset.partition("/erc20:")[2]
    if token:
        node.call("anvil_setCode", token, TOKEN_CODE)
        node.call("anvil_setStorageAt", token, slot(sender), word(10 * amount))
    before = (node.balance(sender), node.balance(receiver))
    tokens_before = (node.tokens(token, sender), node.tokens(token, receiver)) if token else None
    sent = node.call("eth_sendRawTransaction", "0x" + signature["transaction"])
    receipt = node.receipt(sent)
    assert int(receipt["status"], 16) == 1, f"{signature['step']}: it failed"
    assert receipt["from"].lower() == sender.lower(), "the key's account sent it"
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert paid <= int(intent["fee"]["base_units"]), "the fee is what was shown, at most"
    after = (node.balance(sender), node.balance(receiver))
    wei = 0 if token else amount
    assert before[0] - after[0] == wei + paid, f"{signature['step']}: the sender paid something else"
    assert after[1] - before[1] == wei, f"{signature['step']}: the receiver got something else"
    if token:
        tokens_after = (node.tokens(token, sender), node.tokens(token, receiver))
        assert tokens_before[0] - tokens_after[0] == amount, "tokens left the sender"
        assert tokens_after[1] - tokens_before[1] == amount, "tokens reached the receiver"
    spoiled(node, bytes.fromhex(signature["transaction"]))


def spoiled(node, transaction, wrap=bytes):
    """A flipped bit of s is another account's signature, or nobody's: it is not taken."""
    transaction = bytearray(transaction)
    transaction[-1] ^= 1
    try:
        node.call("eth_sendRawTransaction", "0x" + wrap(transaction).hex())
    except AssertionError:
        return
    raise AssertionError("a spoiled transaction was taken")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main():
    anvil, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    signatures = [s for s in report["signatures"] if s["payload_format"] == "evm-transaction"]
    assert signatures, f"{path}: no EVM transaction"
    with running(anvil) as node:
        for address in {signature["address"] for signature in signatures}:
            node.call("anvil_setBalance", address, hex(ETHER))
        for signature in signatures:
            check(node, signature)
    print(f"    {len(signatures)} transactions taken by Anvil, with the effects that were shown")


if __name__ == "__main__":
    main()
