"""What `quorate demo -o json` says is what a demo is for.

usage: demo_facts.py REPORT THRESHOLD NODES
"""

import json
import sys

SCHEMES = {"ecdsa-secp256k1", "frost-ed25519", "frost-secp256k1", "frost-secp256k1-tr"}


def faults(report, threshold, nodes):
    """Everything that is wrong with a report."""
    found = []

    def expect(condition, what):
        if not condition:
            found.append(what)

    expect(report["schema"] == "quorate.demo/v1", f"schema {report['schema']}")
    expect((report["threshold"], report["nodes"]) == (threshold, nodes), "another size was run")
    expect({key["scheme"] for key in report["keys"]} == SCHEMES, "not one key of each scheme")
    for key in report["keys"]:
        expect(key["threshold"] == threshold, f"key {key['key']}: threshold {key['threshold']}")
        expect(len(key["nodes"]) == nodes, f"key {key['key']}: held by {key['nodes']}")
        covered = {node for c in key["confirmations"] for node in c["signing_set"]}
        expect(covered == set(key["nodes"]), f"key {key['key']}: confirmed by {sorted(covered)} only")
    formats = [signature["payload_format"] for signature in report["signatures"]]
    expect(len(set(formats)) == 3, f"signed {formats}, not a PSBT, a Solana message and an EVM transaction")
    for signature in report["signatures"]:
        step = signature["step"]
        expect(len(signature["signers"]) == threshold, f"{step}: signed by {signature['signers']}")
        expect(set(signature["signers"]) <= set(signature["nodes_up"]), f"{step}: a lost node signed")
        count = len(signature["signing_messages"])
        expect(count == len(signature["signatures"]) > 0, f"{step}: {count} messages")
    ups = [len(signature["nodes_up"]) for signature in report["signatures"]]
    expect(min(ups, default=0) < nodes, "nothing was signed without a lost node")
    expect((report["denied"] or {}).get("exit") == 3, "no denied payment that exits with 3")
    below = report["below_threshold"] or {}
    expect(below.get("exit") == 5, "no answer below the threshold that exits with 5")
    expect(len(below.get("nodes_up", [])) == threshold - 1, "below the threshold by another number")
    expect(report["seconds"] < 60, f"took {report['seconds']:.1f} s")
    return found


def main():
    path, threshold, nodes = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        report = json.load(file)
    found = faults(report, int(threshold), int(nodes))
    for fault in found:
        print(f"{path}: {fault}", file=sys.stderr)
    if not found:
        print(f"    {len(report['signatures'])} signatures in {report['seconds']:.1f} s")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
