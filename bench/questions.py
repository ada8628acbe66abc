"""A question to a name server and its answer, made and read: ours and dnspython's, in turn, by the processor's time."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver
import dns.rrset

from posthouse.net import dns_wire

NAME = "example.org"
ANSWERS = {"MX": ["10 mx1.example.org.", "20 mx2.example.org."], "A": ["192.0.2.1"], "TXT": ['"v=STSv1; id=20261126"']}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench questions")
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    for kind, data in ANSWERS.items():
        message = dns.message.make_response(dns.message.make_query(NAME, kind))
        message.answer.append(dns.rrset.from_text(f"{NAME}.", 60, "IN", kind, *data))
        octets = message.to_wire()
        taken: dict[str, list[float]] = {"ours": [], "dnspython": []}
        for _ in range(options.rounds):
            for name, run in (("ours", ours), ("dnspython", theirs)):
                taken[name].append(seconds(run, octets, kind, options.questions) / options.questions)
        middle = {name: statistics.median(one) for name, one in taken.items()}
        print(
            f"{kind}: {middle['ours'] * 1e6:.0f} µs, dnspython {middle['dnspython'] * 1e6:.0f} µs:"
            f" {middle['dnspython'] / middle['ours']:.1f} times as long",
            flush=True,
        )


def seconds(run: Callable[[bytes, str], None], octets: bytes, kind: str, count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        run(octets, kind)
    return time.process_time() - began


def ours(octets: bytes, kind: str) -> None:
    question = dns_wire.ask(NAME, kind)
    question.check(octets)
    assert dns_wire.parse(octets, NAME, kind, believed=True).records


def theirs(octets: bytes, kind: str) -> None:
    """What dns.resolver does, the cache and the sockets aside."""
    query = dns.message.make_query(NAME, kind, flags=dns.flags.RD | dns.flags.AD)
    query.to_wire()
    message = dns.message.from_wire(octets)
    assert isinstance(message, dns.message.QueryMessage)
    query.is_response(message)
    number = dns.rdatatype.from_text(kind)
    assert dns.resolver.Answer(dns.name.from_text(NAME), number, query.question[0].rdclass, message).rrset
