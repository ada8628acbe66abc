"""The octets of questions and answers, against those that dnspython writes and reads."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import ProtocolError
from posthouse.net import dns_wire
from posthouse.net.dns_wire import Answer, Question

LABEL = st.text("abcxyz0189-_", min_size=1, max_size=12)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
HOST = NAME.map(lambda name: f"{name}.")
NUMBER = st.integers(0, 65_535)
OCTET = st.integers(0, 255)
DATA = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "MX": st.tuples(NUMBER, HOST).map(lambda one: f"{one[0]} {one[1]}"),
    "NS": HOST,
    "TXT": st.lists(st.text("abc 123=;", max_size=255), min_size=1, max_size=3).map(
        lambda texts: " ".join(f'"{text}"' for text in texts)
    ),
    # dnspython takes only digests of the right length.
    "TLSA": st.tuples(OCTET, OCTET, st.sampled_from([(0, 40), (1, 32), (2, 64), (255, 7)]), st.randoms()).map(
        lambda one: f"{one[0]} {one[1]} {one[2][0]} {one[3].randbytes(one[2][1]).hex()}"
    ),
}


def read(record: object, kind: str) -> object:
    """A record of dnspython's as we have it."""
    fields: dict[str, object] = {}
    for field in ("preference", "exchange", "address", "target", "strings", "usage", "selector", "mtype", "cert"):
        fields[field] = getattr(record, field, None)
    if kind == "MX":
        return fields["preference"], str(fields["exchange"]).rstrip(".")
    if kind == "NS":
        return str(fields["target"]).rstrip(".")
    if kind == "TXT":
        strings = fields["strings"]
        assert isinstance(strings, tuple)
        return b"".join(strings)
    if kind == "TLSA":
        return fields["usage"], fields["selector"], fields["mtype"], fields["cert"]
    return str(ip_address(str(fields["address"])))  # ::ffff:0.0.0.0 has two ways to be written


def reply(question: Question, *answers: tuple[str, int, str, list[str]]) -> bytes:
    """An answer as dnspython writes it: (name, TTL, kind, data) of each set of records."""
    message = dns.message.make_response(dns.message.from_wire(question.octets))
    for name, ttl, kind, data in answers:
        message.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *data))
    return message.to_wire()


@settings(deadline=None)
@given(NAME, st.sampled_from(sorted(DATA)))
def test_a_question_is_what_dnspython_reads(name: str, kind: str) -> None:
    message = dns.message.from_wire(dns_wire.ask(name, kind).octets)
    assert message.question[0].name == dns.name.from_text(name)
    assert dns.rdatatype.to_text(message.question[0].rdtype) == kind
    assert message.flags == dns.flags.RD | dns.flags.AD


@settings(deadline=None)
@given(st.data(), NAME, st.sampled_from(sorted(DATA)), st.lists(NAME, max_size=3, unique=True))
def test_an_answer_is_what_dnspython_wrote(data: st.DataObject, name: str, kind: str, aliases: list[str]) -> None:
    texts = data.draw(st.lists(DATA[kind], min_size=1, max_size=5, unique=True))
    question = dns_wire.ask(name, kind)
    chain = [name, *[one for one in aliases if one != name]]
    links = [(one, 300, "CNAME", [f"{to}."]) for one, to in pairwise(chain)]
    octets = reply(question, *links, (chain[-1], 200, kind, texts))
    answer = dns_wire.parse(octets, name, kind, believed=True)
    expected = {read(one, kind) for one in dns.rrset.from_text("x.", 1, "IN", kind, *texts)}
    assert set(answer.records) == expected
    assert (answer.name, answer.ttl, answer.proved) == (chain[-1], 200, False)


@settings(deadline=None)
@given(st.data(), NAME, st.sampled_from(sorted(DATA)))
def test_damaged_octets_are_refused_or_read(data: st.DataObject, name: str, kind: str) -> None:
    texts = data.draw(st.lists(DATA[kind], min_size=1, max_size=3))
    octets = bytearray(reply(dns_wire.ask(name, kind), (name, 60, "CNAME", ["b.c."]), ("b.c", 60, kind, texts)))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(OCTET)
    try:
        answer = dns_wire.parse(bytes(octets[: data.draw(st.integers(0, len(octets)))]), name, kind, believed=True)
    except ProtocolError:
        return
    assert isinstance(answer, Answer)


def header(*, answers: int = 1) -> bytes:
    return bytes([0, 0, 0x81, 0x80, 0, 0, 0, answers, 0, 0, 0, 0])


@pytest.mark.parametrize(
    "octets",
    [
        header() + b"\xc0\x0c" + bytes(10),  # a name that points at itself
        header() + b"\xc0\x20" + bytes(30),  # forwards
        header() + b"\1a\xc0\x0c" + bytes(10),  # round and round
        header() + b"\0\0\1\0\1\0\0\0\1\0\5abcd",  # data that ends behind the message
        header() + b"\0\0\1\0\1\0\0\0\1\0\3abc",  # an address of three octets
        header(answers=200),
    ],
)
def test_octets_that_make_no_sense(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        dns_wire.parse(octets, ".", "A", believed=True)


def test_names_that_grow_by_pointing() -> None:
    """Each is a label longer than the one it points at: a message of 64 KB would make megabytes of it."""
    label = b"\x3f" + b"a" * 63
    octets, at = header(answers=20) + label + b"\0" + b"\0\1\0\1\0\0\0\1\0\0", 12
    for _ in range(19):
        octets, at = octets + label + bytes([0xC0 | at >> 8, at & 255]) + b"\0\1\0\1\0\0\0\1\0\0", len(octets)
    with pytest.raises(ProtocolError):
        dns_wire.parse(octets, ".", "MX", believed=True)


def test_what_answers_a_question() -> None:
    question = dns_wire.ask("mail.example.org", "MX")
    true = reply(question)
    assert question.check(true) is True
    assert question.check(true[:12] + true[12:].swapcase()) is None
    assert question.check(question.octets) is False  # nobody's answer
    assert question.check(bytes([true[0] ^ 1]) + true[1:]) is False
    assert question.check(true[:13] + b"x" + true[14:]) is False  # about another name
    assert question.check(b"") is False


def test_a_question_that_a_server_does_not_understand() -> None:
    question = dns_wire.ask("mail.example.org", "MX")
    number = question.octets[:2]
    assert question.check(number + b"\x81\x81" + bytes(8)) is True  # FORMERR, and no more
    assert question.check(number + b"\x81\x80" + bytes(8)) is False  # that would be an answer


def test_each_question_is_another_one() -> None:
    asked = [dns_wire.ask("mail.example.org", "MX") for _ in range(100)]
    assert len({one.id for one in asked}) > 90
    assert len({one.section for one in asked}) > 90


@pytest.mark.parametrize("name", ["a..b", "a" * 64, "b\u00fccher.example", ".".join(["a" * 60] * 5), ".a"])
def test_what_can_be_no_name(name: str) -> None:
    with pytest.raises(ProtocolError):
        dns_wire.ask(name, "MX")


def test_how_long_it_holds() -> None:
    question = dns_wire.ask("a.b", "MX")
    message = dns.message.make_response(dns.message.from_wire(question.octets))
    assert dns_wire.parse(message.to_wire(), "a.b", "MX", believed=True).ttl == dns_wire.UNTOLD_TTL
    message.authority.append(dns.rrset.from_text("b.", 900, "IN", "SOA", "a. c. 1 2 3 4 300"))
    assert dns_wire.parse(message.to_wire(), "a.b", "MX", believed=True).ttl == 300
    octets = reply(question, ("a.b", 2_000_000, "MX", ["1 c."]))
    assert dns_wire.parse(octets, "a.b", "MX", believed=True).ttl == dns_wire.MAX_TTL


def test_a_name_that_is_no_host() -> None:
    """As dnspython shows it: what isn't printable, and dots and backslashes inside a label, as numbers."""
    octets = header() + b"\0\0\x02\0\1\0\0\0\1\0\x08\6a.b\n\\\xff\0"
    assert dns_wire.parse(octets, ".", "NS", believed=True).records == ("a\\046b\\010\\092\\255",)
