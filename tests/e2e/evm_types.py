"""Has a cluster sign an EVM transaction of every type, and an authorisation; sends them to Anvil.

    evm_types.py QUORATE ANVIL

QUORATE makes the cluster (`quorate dev`). ANVIL is an EVM node (npm: @foundry-rs/anvil). What each
transaction did there is compared with the intent that the cluster returned when it signed. The payloads are
encoded here, by nothing that QUORATE is made of.
"""

import contextlib
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import evm_node

PATIENCE_S = 120
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
NOBODY = "0x" + 40 * "0"
GWEI = 10**9
MILLIETHER = 10**15
# A token that keeps balances at the slot of the address, and an allowance at that of owner xor spender.
# Called with approve(spender, amount) it jumps behind what transfer(to, amount) does.
TOKEN_CODE = (
    "0x5f3560e01c63095ea7b314602c57"
    + evm_node.TOKEN_CODE.removeprefix("0x")
    + "5b602435600435331855"
    + "60015f5260205ff3"
)
# Answers every call with 42; and what makes a contract of that.
ANSWER = "602a5f5260205ff3"
MAKE_ANSWER = "67" + ANSWER + "5f5260086018f3"
# The nonce of the transaction that makes it.
CREATED = 3
# All zeros are a polynomial: its commitment and its proof are the point at infinity (EIP-4844).
BLOB = bytes(4096 * 32)
INFINITY = bytes([0xC0]) + bytes(47)
# What `quorate dev` allows, and this. Codes that an account may run are listed.
POLICY = """
@id("e01-allowance") @title("Listed payees may be allowed a few test dollars")
permit (
  principal in Custody::Group::"withdrawals",
  action == Custody::Action::"allowance",
  resource in Custody::Vault::"hot"
) when {
  context.destination in Custody::AddressList::"eth-payees" && context.limits.contains("small-usd")
};

@id("e02-creation") @title("Payments may make a contract")
permit (
  principal in Custody::Group::"withdrawals",
  action == Custody::Action::"contract_creation",
  resource in Custody::Vault::"hot"
) when { context.limits.contains("small-eth") };

@id("e03-delegation") @title("Accounts may run the listed code, or none any more")
permit (
  principal in Custody::Group::"withdrawals",
  action == Custody::Action::"code_delegation",
  resource in Custody::Vault::"hot"
) when { context.destination in Custody::AddressList::"eth-codes" };
'''
"""


def rlp(item):
    """Numbers, bytes and lists, as RLP."""
    if isinstance(item, Encoded):
        return item
    if isinstance(item, list):
        return header(0xC0, b"".join(rlp(part) for part in item))
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if len(item) == 1 and item[0] < 0x80:
        return item
    return header(0x80, item)


def header(base, content):
    if len(content) < 56:
        return bytes([base + len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length + content


class Encoded(bytes):
    """RLP already."""


def account(address):
    return bytes.fromhex(address.removeprefix("0x"))


def word(number):
    return bytes.fromhex(evm_node.word(number).removeprefix("0x"))


def erc20(selector, address, amount):
    return bytes.fromhex(selector) + word(int(address, 16)) + word(amount)


class Cluster:
    def __init__(self, quorate, folder):
        self.quorate, self.dir = quorate, folder / "cluster"
        self.payload, self.policy = folder / "payload", folder / "policy.toml"
        self.log = folder / "dev.log"

    @contextlib.contextmanager
    def running(self):
        command = [self.quorate, "dev", "--dir", self.dir, "--nodes", "3", "--threshold", "2"]
        with self.log.open("w") as file:
            dev = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        try:
            self.until("it is up", lambda: "It runs until" in self.said() or dev.poll() is not None)
            assert dev.poll() is None, self.said()
            yield
        finally:
            dev.terminate()
            dev.wait(PATIENCE_S)

    def said(self):
        return self.log.read_text()

    def until(self, what, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
            time.sleep(0.1)

    def run(self, who, *command):
        """A command's exit code and the JSON that it printed."""
        command = [self.quorate, *command, "--output", "json", "--dir", self.dir / who]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr

    def done(self, who, *command):
        code, answer, words = self.run(who, *command)
        assert code == 0, f"{command}: exit {code}\n{answer}\n{words}"
        return answer

    def ask(self, payload, kind="--evm", path="m"):
        self.payload.write_text("0x" + payload.hex())
        command = ["sign", "eth", kind, self.payload, "--path", path, "--network", "evm-local"]
        return self.run("payments", *command)

    def sign(self, payload, **more):
        code, signed, words = self.ask(payload, **more)
        assert (code, signed.get("state")) == (0, "SIGNED"), f"exit {code}\n{signed}\n{words}"
        return signed

    def allow(self, codes):
        """Brings a second policy into force, on the order of two officers."""
        first = self.dir / "node-1" / "policy.toml"
        previous = self.done("alice", "policy", "check", first)["hash"]
        text = first.read_text().replace("\nversion = 1\n", f'\nversion = 2\nprevious = "{previous}"\n')
        before, end, after = text.partition("\n'''\n")
        assert end, "the rules end where they did"
        codes = json.dumps(codes)
        listed = f'\n[lists.eth-codes]\nnetwork = "eip155:{evm_node.CHAIN}"\naddresses = {codes}\n'
        self.policy.write_text(before + "\n" + POLICY + after + listed)
        for officer in ("alice", "bob"):
            key = self.dir / officer / "person.pem"
            self.done(officer, "policy", "sign", self.policy, "--key", key, "--old", first)
        self.done("payments", "policy", "activate", self.policy)
        wanted = self.done("alice", "policy", "check", self.policy)["hash"]
        nodes = lambda: self.done("payments", "status")["nodes"]
        self.until("policy 2 is in force", lambda: all(node["policy"] == wanted for node in nodes()))


def state(node, effect, sender):
    """What an effect is about, as the node has it now."""
    kind, to = effect["kind"], effect["destination"]
    token = effect["amount"]["asset"].partition("/erc20:")[2]
    if kind == "transfer":
        return node.tokens(token, to) if token else node.balance(to)
    if kind == "allowance":
        at = evm_node.word(int(sender, 16) ^ int(to, 16))
        return int(node.call("eth_getStorageAt", token, at, "latest"), 16)
    if kind == "contract_creation":
        return node.call("eth_getCode", to, "latest")
    if kind == "code_delegation":
        authority = re.match(r"account (0x[0-9a-fA-F]{40}), ", effect["detail"])[1]
        return node.call("eth_getCode", authority, "latest")
    raise AssertionError(f"{kind}: nobody says what to look at")


def due(effect, before):
    """What it is afterwards, if what the intent says is true."""
    kind, amount = effect["kind"], int(effect["amount"]["base_units"])
    if kind == "transfer":
        return before + amount
    if kind == "allowance":
        return amount
    if kind == "contract_creation":
        return "0x" + ANSWER
    code = effect["destination"].lower()
    return "0x" if code == NOBODY else "0xef0100" + code.removeprefix("0x")


def wei(effect):
    native = effect["kind"] == "transfer" and "/slip44:60" in effect["amount"]["asset"]
    return int(effect["amount"]["base_units"]) if native else 0


def send(node, signed, kind, wrap=bytes):
    """One transaction: taken by the node, from the key's account, with the effects that were told."""
    intent, sender = signed["intent"], signed["address"]
    transaction = bytes.fromhex(signed["transaction"])
    effects = intent["effects"]
    assert effects, "it does something"
    before = [state(node, effect, sender) for effect in effects]
    had = node.balance(sender)
    evm_node.spoiled(node, transaction, wrap)
    receipt = node.receipt(node.call("eth_sendRawTransaction", "0x" + wrap(transaction).hex()))
    assert int(receipt["status"], 16) == 1, f"type {kind}: it failed"
    assert int(receipt["type"], 16) == kind, f"type {kind}: taken for {receipt['type']}"
    assert receipt["from"].lower() == sender.lower(), "the key's account sent it"
    paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    blobs = [int(receipt.get(name) or "0x0", 16) for name in ("blobGasUsed", "blobGasPrice")]
    assert (blobs[0] > 0) == (kind == 3), "blobs are paid for where there are some"
    paid += blobs[0] * blobs[1]
    assert paid <= int(intent["fee"]["base_units"]), "the fee is what was told, at most"
    spent = had - node.balance(sender)
    assert spent == sum(map(wei, effects)) + paid, f"type {kind}: the sender paid {spent}"
    for effect, earlier in zip(effects, before):
        found, told = state(node, effect, sender), due(effect, earlier)
        assert found == told and found != earlier, f"type {kind}: {found}, and not {told}: {effect}"
    nonce = int(node.call("eth_getTransactionCount", sender, "latest"), 16)
    assert nonce == intent["account_nonce"] + 1, "its nonce is used up"
    told = ", ".join(f"{effect['kind']} to {effect['destination']}" for effect in effects)
    print(f"    type {kind}: {told}")
    return receipt


def fee_market(nonce, to, value, data, *more, gas=100_000):
    """What types 2, 3 and 4 begin with: at most 2 gwei a gas, 1 of them a tip."""
    return [evm_node.CHAIN, nonce, GWEI, 2 * GWEI, gas, to, value, data, [], *more]


def plain_types(cluster, node, sender):
    """Types 0, 1 and 2: ether, tokens, an allowance, a contract."""
    payee, token, chain = account(PAYEE), account(TOKEN), evm_node.CHAIN
    ether = rlp([0, 2 * GWEI, 21_000, payee, 7 * MILLIETHER, b"", chain, 0, 0])
    send(node, cluster.sign(ether), 0)
    slots = [word(int(address, 16)) for address in (sender, PAYEE)]
    transfer = erc20("a9059cbb", PAYEE, 25_000_000)
    tokens = [chain, 1, 2 * GWEI, 100_000, token, 0, transfer, [[token, slots]]]
    left = node.tokens(TOKEN, sender)
    send(node, cluster.sign(b"\x01" + rlp(tokens)), 1)
    assert left - node.tokens(TOKEN, sender) == 25_000_000, "tokens left the sender"
    approve = fee_market(2, token, 0, erc20("095ea7b3", PAYEE, 3_000_000))
    send(node, cluster.sign(b"\x02" + rlp(approve)), 2)
    creation = fee_market(CREATED, b"", 0, bytes.fromhex(MAKE_ANSWER))
    receipt = send(node, cluster.sign(b"\x02" + rlp(creation)), 2)
    return receipt["contractAddress"]


def blobs(cluster, node):
    """Type 3: what is signed has the blob's hash; what is sent has the blob, too."""
    versioned = b"\x01" + hashlib.sha256(INFINITY).digest()[1:]
    unsigned = fee_market(4, account(PAYEE), 5 * MILLIETHER, b"", GWEI, [versioned])
    whole = lambda signed: b"\x03" + rlp([Encoded(signed[1:]), [BLOB], [INFINITY], [INFINITY]])
    send(node, cluster.sign(b"\x03" + rlp(unsigned)), 3, whole)


def delegations(cluster, node, code):
    """Type 4: a child of the key lets its account run a contract's code; then none any more."""
    authority = None
    for used, runs in enumerate([code, NOBODY]):
        allowed = cluster.sign(authorization(runs, used), kind="--authorization", path="m/0")
        [effect] = allowed["intent"]["effects"]
        said = (effect["kind"], effect["destination"].lower())
        assert said == ("code_delegation", runs), f"told as {said}"
        authority = allowed["address"]
        listed = [Encoded(bytes.fromhex(allowed["transaction"]))]
        unsigned = fee_market(5 + used, account(PAYEE), MILLIETHER, b"", listed)
        send(node, cluster.sign(b"\x04" + rlp(unsigned)), 4)
        nonce = int(node.call("eth_getTransactionCount", authority, "latest"), 16)
        assert nonce == used + 1, "the authorisation is used up"
        answer = node.call("eth_call", {"to": authority}, "latest")
        assert answer == ("0x" if runs == NOBODY else evm_node.word(42)), f"it answers {answer}"
    print(f"    {authority} ran the code of {code} by a signed authorisation, until another ended it")


def authorization(code, nonce):
    return b"\x05" + rlp([evm_node.CHAIN, account(code), nonce])


def main():
    quorate, anvil = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        cluster = Cluster(quorate, pathlib.Path(folder))
        stack.enter_context(cluster.running())
        # Later hard forks want other proofs with a blob.
        node = stack.enter_context(evm_node.running(anvil, "--hardfork", "prague"))
        sender = cluster.done("payments", "key", "show", "eth")["addresses"]["evm-local"]
        # Where the key's contract will be: the node computes the hash.
        code = node.call("web3_sha3", "0x" + rlp([account(sender), CREATED]).hex())
        code = "0x" + code[-40:]
        node.call("anvil_setBalance", sender, hex(evm_node.ETHER))
        node.call("anvil_setCode", TOKEN, TOKEN_CODE)
        node.call("anvil_setStorageAt", TOKEN, evm_node.slot(sender), evm_node.word(10**9))
        exit_code, _, words = cluster.ask(authorization(code, 0), "--authorization", "m/0")
        assert exit_code == 3, f"no policy allows it yet: exit {exit_code}\n{words}"
        cluster.allow([code, NOBODY])
        contract = plain_types(cluster, node, sender)
        assert contract == code, f"made at {contract}, and not {code}"
        blobs(cluster, node)
        delegations(cluster, node, contract)


if __name__ == "__main__":
    main()
