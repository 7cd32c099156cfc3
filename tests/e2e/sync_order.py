"""Shows in a system-call trace of a node that what it answers is on disk first.

usage: sync_order.py TRACE DATABASE

A question that changes records (reserve, share) is more than a few bytes long, and so is its answer;
everything else on the link (settings, acknowledgements, pings) is short. So: between each long read
from a TLS socket and the next long write to it there must be a write to the database file, and after
the last such write an fdatasync of that file which began after it and ended before the answer.
"""

import re
import sys

QUESTION_BYTES_MIN = 300
ANSWER_BYTES_MIN = 150
# Each payment is a reserve and a share question.
ANSWERS_MIN = 6

READS = {"read", "readv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "sendto", "sendmsg"}
FILE_WRITES = {"write", "writev", "pwrite64", "pwritev", "pwritev2"}
SYNCS = {"fdatasync", "fsync"}

CALL = re.compile(r"^(?P<thread>\d+) +(?P<call>\w+)\((?P<fd>\d+)<(?P<what>.*?)>[,)]?")
UNFINISHED = re.compile(r" <unfinished \.\.\.>$")
RESUMED = re.compile(r"^(?P<thread>\d+) +<\.\.\. (?P<call>\w+) resumed>")
RESULT = re.compile(r"\) += (?P<result>-?\d+)")


class Call:
    """One system call: where it began and ended in the order of the trace."""

    def __init__(self, name, what, begun):
        self.name, self.what, self.begun = name, what, begun
        self.ended, self.result = None, None

    def is_socket(self):
        return self.what.startswith(("TCP", "TCPv6"))


def parse(lines):
    """The calls of a trace that have ended, by when they ended."""
    calls, unfinished = [], {}
    for number, line in enumerate(lines):
        line = line.rstrip("\n")
        if resumed := RESUMED.match(line):
            call = unfinished.pop(resumed["thread"], None)
        elif started := CALL.match(line):
            call = Call(started["call"], started["what"], number)
            if UNFINISHED.search(line):
                unfinished[started["thread"]] = call
                continue
        else:
            continue
        result = RESULT.search(line)
        if call and result:
            call.ended, call.result = number, int(result["result"])
            calls.append(call)
    return calls


def judge(calls, database):
    """How many answers there were, and what is wrong with any of them."""
    faults, answers = [], 0
    question = {}
    for call in sorted(calls, key=lambda call: call.ended):
        if not call.is_socket():
            continue
        if call.name in READS and call.result >= QUESTION_BYTES_MIN:
            question[call.what] = call
        elif call.name in WRITES and call.result >= ANSWER_BYTES_MIN and call.what in question:
            asked = question.pop(call.what)
            answers += 1
            if fault := unsynced(calls, database, asked.ended, call.begun):
                faults.append(f"the answer in line {call.begun + 1}: {fault}")
    return answers, faults


def unsynced(calls, database, after, before):
    """Why what was written between two lines of the trace is not on disk at the second."""
    def within(call):
        return call.what == database and after < call.begun and call.ended < before

    written = [call for call in calls if call.name in FILE_WRITES and within(call)]
    if not written:
        return f"nothing was written to {database} since its question"
    last = max(call.ended for call in written)
    synced = [c for c in calls if c.name in SYNCS and c.result == 0 and within(c) and c.begun > last]
    return None if synced else f"{database} was written to and not synced"


def main():
    trace, database = sys.argv[1:]
    with open(trace, encoding="utf-8", errors="replace") as file:
        calls = parse(file)
    answers, faults = judge(calls, database)
    for fault in faults:
        print(f"{trace}: {fault}", file=sys.stderr)
    if answers < ANSWERS_MIN:
        print(f"{trace}: only {answers} answers to questions, of {ANSWERS_MIN}", file=sys.stderr)
        sys.exit(1)
    if not faults:
        print(f"    {answers} answers, each after the fdatasync of what it rests on")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
