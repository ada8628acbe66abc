"""A name server on loopback, over UDP: what a resolver would answer, from a zone that the test writes down."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

# What can stand in a zone for a name instead of records.
RCODES = {"SERVFAIL": dns.rcode.SERVFAIL, "REFUSED": dns.rcode.REFUSED, "SILENCE": None}


class NameServer:
    """``zone``: lines of "name TYPE data"; "name SERVFAIL", "name REFUSED", "name SILENCE". Counts the questions.

    ``signed``: it says that it has checked signatures, as a resolver does that knows DNSSEC (RFC 4035 §3.2.3).
    """

    def __init__(self, zone: str, *, signed: bool = False) -> None:
        self._signed = signed
        self._records: dict[dns.name.Name, list[tuple[str, str]]] = {}
        for line in zone.strip().splitlines():
            name, kind, *data = line.split(maxsplit=2)
            self._records.setdefault(dns.name.from_text(name), []).append((kind, " ".join(data)))
        self.questions: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            octets, peer = self._socket.recvfrom(4096)
            if not octets:
                return
            answer = self._answer(dns.message.from_wire(octets))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        asked = question.name.canonicalize().to_text(omit_final_dot=True)  # it comes in odd capitals
        self.questions.append(f"{asked} {dns.rdatatype.to_text(question.rdtype)}")
        answer = dns.message.make_response(query, recursion_available=True)
        if self._signed:
            answer.flags |= dns.flags.AD
        name = question.name
        for _ in range(20):  # a chain of CNAMEs, which may be a circle
            records = self._records.get(name)
            if records is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
                return answer
            kind, data = records[0]
            if kind in RCODES:
                rcode = RCODES[kind]
                if rcode is None:
                    return None
                answer.set_rcode(rcode)
                return answer
            if kind != "CNAME":
                break
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", data))
            name = dns.name.from_text(data)
        wanted = dns.rdatatype.to_text(question.rdtype)
        texts = [data for kind, data in self._records[name] if kind == wanted]
        if texts:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", wanted, *texts))
        return answer

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


@contextmanager
def name_server(zone: str, *, signed: bool = False) -> Iterator[NameServer]:
    server = NameServer(zone, signed=signed)
    try:
        yield server
    finally:
        server.close()
