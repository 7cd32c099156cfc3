"""A node whose disk runs low, and one whose disk is full, on a small file system of its own.

usage: full_disk.py QUORATE DIR

To be run where mounting is allowed: `unshare --user --map-root-user --mount` makes such a place
without any privilege. Two nodes, both of which sign, so that what one of them refuses is not signed.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

SIZE = 96 * 1024 * 1024
LOW = 32 * 1024 * 1024
PATIENCE_S = 60
PAYEE = "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"
BLOCKHASH = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM"
NEARLY_FULL = "the disk is nearly full: free some space"


def until(what, condition):
    """What the condition gives, as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"within {PATIENCE_S} s not: {what}")


def expect(condition, what, seen):
    if not condition:
        raise SystemExit(f"not so: {what}\n{seen}")
    print(f"    {what}")


class Process:
    """A process that ends with this one."""

    def __init__(self, name, command, log):
        self.name, self.path = name, log
        self.begins = log.stat().st_size if log.exists() else 0
        command = [*command, "--until-stdin-closes"]
        with log.open("a") as file:
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file)

    def said(self):
        return self.path.read_text()[self.begins :]

    def ended(self):
        return self.child.poll() is not None

    def stop(self):
        if not self.ended():
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(PATIENCE_S)


class Cluster:
    def __init__(self, quorate, folder):
        self.quorate, self.dir = quorate, folder
        self.store = folder / "node-1" / "store"
        self.processes = {}

    def make(self):
        """A cluster with keys that has signed nothing yet."""
        log = self.dir.with_suffix(".log")
        command = [self.quorate, "dev", "--dir", self.dir, "--nodes", "2", "--threshold", "2"]
        with log.open("w") as file:
            dev = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        until("`quorate dev` is up", lambda: dev.poll() is None and "It runs until" in log.read_text())
        dev.send_signal(signal.SIGINT)
        dev.wait(PATIENCE_S)

    def move_store(self):
        """Puts the store of node 1 on a file system of its own."""
        aside = self.store.with_name("aside")
        self.store.rename(aside)
        self.store.mkdir(mode=0o700)
        options = f"size={SIZE},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.store], check=True)
        # The database's files have holes, which a full disk cannot fill.
        subprocess.run(["cp", "-a", "--sparse=always", f"{aside}/.", self.store], check=True)
        config = self.dir / "node-1" / "node.toml"
        text = config.read_text()
        config.write_text(text.replace("[store]\n", f"[store]\nfree_bytes_min = {LOW}\n", 1))

    def start(self, name):
        kind = name.partition("-")[0]
        config = self.dir / name / f"{kind}.toml"
        command = [self.quorate, kind, "--config", config]
        self.processes[name] = Process(name, command, self.dir / f"{name}.log")
        return self.processes[name]

    def stop(self):
        for process in self.processes.values():
            process.stop()

    def free(self):
        stat = os.statvfs(self.store)
        return stat.f_bavail * stat.f_frsize

    def leave_free(self, size):
        """Fills the file system but for so many bytes."""
        with (self.store / "ballast").open("ab") as ballast:
            while self.free() > size:
                count = min(self.free() - size, 1024 * 1024)
                try:
                    ballast.write(bytes(count))
                    ballast.flush()
                except OSError:
                    return

    def make_room(self):
        (self.store / "ballast").unlink()

    def run(self, who, *command):
        """A command's exit code, the JSON that it printed, and what it said."""
        command = [self.quorate, *command, "--output", "json", "--dir", self.dir / who]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE_S
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr

    def pay(self, lamports, *more):
        amount = ["--pay", PAYEE, "--amount", str(lamports), "--blockhash", BLOCKHASH]
        return self.run("payments", "sign", "sol", *amount, "--network", "solana-devnet", *more)

    def request(self, name):
        return self.run("payments", "request", "show", name)[1]

    def node(self):
        """Node 1 as `quorate status` shows it."""
        nodes = self.run("payments", "status")[1].get("nodes", [])
        return next((node for node in nodes if node["id"] == 1), {})

    def attached(self):
        nodes = self.run("payments", "status")[1].get("nodes", [])
        return len(nodes) == 2 and all(node["attached"] for node in nodes)

    def freeze(self, scope):
        """At node 1 itself, as an officer does where no coordinator is to be had."""
        socket = self.dir / "node-1" / "admin.sock"
        key = self.dir / "alice" / "person.pem"
        command = ["freeze", scope, "--officer-key", key, "--admin-socket", socket]
        return self.run("alice", *command)

    def key_order(self, name):
        officers = [self.dir / officer / "person.pem" for officer in ("alice", "bob")]
        signed = [part for key in officers for part in ("--officer-key", key)]
        return ["key", "create", name, "--scheme", "frost-ed25519", "--threshold", "2", *signed]

    def make_key(self, name):
        return self.run("alice", *self.key_order(name))


def runs_low(cluster):
    """New work is refused and said to be, orders are carried out, and work goes on by itself."""
    cluster.leave_free(LOW // 2)
    until("node 1 notices", lambda: not cluster.node().get("ready", True))
    status = cluster.node()
    expect(NEARLY_FULL in status["reasons"], "`quorate status` says that its disk runs low", status)
    code, answer, words = cluster.pay(1_000_002, "--wait", "3s")
    expect(code not in (0, 3) and answer.get("state") != "SIGNED", "a payment is not signed", answer)
    name = answer.get("name") or json.loads(words.splitlines()[-1])["request"]
    reason = until("a reason", lambda: cluster.request(name).get("reason"))
    expect(NEARLY_FULL in reason, "whoever asked is told why", reason)
    code, order, words = cluster.freeze("key:btc")
    expect((code, order.get("held_by")) == (0, [1]), "it still takes a freeze", words)
    cluster.make_room()
    state = until("signed", lambda: cluster.request(name)["state"] == "SIGNED")
    expect(state, "with room again the payment is signed, without a restart", state)
    return order["order"]


def is_full(cluster):
    """In the middle of a ceremony: the node stops with a last word, and stays down without room."""
    node, other = cluster.processes["node-1"], cluster.processes["node-2"].child
    other.send_signal(signal.SIGSTOP)
    begun = node.said().count("ceremony-begun")
    command = [cluster.quorate, *cluster.key_order("more"), "--dir", cluster.dir / "alice"]
    silent = {stream: subprocess.DEVNULL for stream in ("stdin", "stdout", "stderr")}
    with subprocess.Popen(command, **silent) as create:
        until("it begins to make a key", lambda: node.said().count("ceremony-begun") > begun)
        cluster.leave_free(0)
        code, order, words = cluster.freeze("key:nobody")
        expect(code == 0, "with nothing left it still takes a freeze: its log has room of its own", words)
        other.send_signal(signal.SIGCONT)
        until("node 1 ends", node.ended)
        create.terminate()
    expect(node.child.returncode == 1, "a node that cannot write stops", node.child.returncode)
    last = node.said().strip().splitlines()[-1]
    expect("the store failed" in last and "No space left" in last, "its last word says why", last)
    return order["order"]


def goes_on(cluster, signed, freezes):
    """Everything that was acknowledged is there, and the node signs and makes keys."""
    cluster.make_room()
    cluster.start("node-1")
    until("both nodes are attached", cluster.attached)
    shown = cluster.request(signed["name"])
    same = shown["signatures"] == signed["signatures"]
    expect(same, "what was signed before is signed", shown)
    code, answer, words = cluster.pay(1_000_003)
    expect(code == 0 and answer["state"] == "SIGNED", "after a restart it signs", words)
    code, made, words = cluster.make_key("another")
    expect((code, made.get("state")) == (0, "active"), "it keeps the share of a new key", words)
    log = cluster.dir / "exported.log"
    socket = cluster.dir / "node-1" / "admin.sock"
    cluster.run("alice", "audit", "export", "--admin-socket", socket, "--out", log)
    code, verified, words = cluster.run("alice", "audit", "verify", log, "--node", "1")
    expect(code == 0 and verified["verified"], "its audit log is whole", words)
    # A node does not start where an order of its log is not among its records.
    shown = cluster.run("alice", "audit", "show", log, "--kind", "order-accepted")[1]
    kept = all(freeze in json.dumps(shown) for freeze in freezes)
    expect(kept, "every freeze that it took holds", shown)


def main():
    quorate, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    cluster = Cluster(quorate, folder)
    cluster.make()
    cluster.move_store()
    try:
        for name in ("coordinator", "node-1", "node-2"):
            cluster.start(name)
        until("both nodes are attached", cluster.attached)
        code, signed, words = cluster.pay(1_000_001)
        expect(code == 0 and signed["state"] == "SIGNED", "a payment is signed", words)
        freezes = [runs_low(cluster), is_full(cluster)]
        goes_on(cluster, signed, freezes)
    except SystemExit:
        for process in cluster.processes.values():
            print(f"--- {process.name}\n{process.said()[-2000:]}", file=sys.stderr)
        raise
    finally:
        cluster.stop()
        subprocess.run(["umount", cluster.store], check=False)


if __name__ == "__main__":
    main()
