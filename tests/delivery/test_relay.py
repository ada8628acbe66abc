"""The relay against mail hosts that do as they are told, on loopback, found through a real name server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mail_hosts import ADA, DROP, HALF, Host, world
from posthouse.store import lease, queue
from posthouse.store.engine import Store
from posthouse.store.queue import LIFETIME, Onward, Terms, To, Which
from store_helpers import NOW, Clock, keep, letter


def test_a_letter_arrives_as_it_is(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            raw = b"Subject: dots\r\n\r\n.one\r\n..two\r\nbare\nfeed \xff\r\n"
            await here.add("ann@x.example", "ben@x.example", raw=raw)
            await here.empty()
        expected = b"Received: x\r\nSubject: dots\r\n\r\n..one\r\n...two\r\nbare\r\nfeed \xff\r\n"
        assert host.letters == [expected], "one transaction for both, and no bare line feed on the wire"
        assert [line for line in host.said if line[:4] in ("EHLO", "MAIL", "RCPT")] == [
            "EHLO mail.example.org",
            "MAIL FROM:<ada@example.org> BODY=8BITMIME",
            "RCPT TO:<ann@x.example>",
            "RCPT TO:<ben@x.example>",
        ]

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA", "."])
def test_not_now_then_yes(tmp_path: Path, verb: str) -> None:
    async def run() -> None:
        host = Host({verb: "451 4.7.1 Greylisted"})
        async with world(tmp_path, Host(), host, delays=(0,)) as here:
            await here.add("cat@y.example")
            await here.empty()
            assert host.connections == 2 and len(await here.inbox()) == 0
            assert host.letters[-1].endswith(b"Hello.\r\n")

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_line_that_is_dropped(tmp_path: Path, verb: str) -> None:
    async def run() -> None:
        host = Host({verb: DROP})
        async with world(tmp_path, Host(), host, delays=(0,)) as here:
            await here.add("cat@y.example")
            await here.empty()
            assert host.connections == 2 and len(await here.inbox()) == 0

    asyncio.run(run())


def test_no_is_reported_to_the_sender(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host({"RCPT": "550 5.1.1 No such user <ann>"})
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example")
            await here.empty()
            (report,) = await here.inbox()
        assert report.startswith("From: Mail delivery <mailer-daemon@mail.example.org>\r\nTo: <ada@example.org>\r\n")
        assert "    one.example said: 550 5.1.1 No such user <ann>\r\n" in report
        assert "Diagnostic-Code: smtp; 550 5.1.1 No such user <ann>\r\n" in report
        assert "Auto-Submitted: auto-replied\r\n" in report
        assert host.letters == []

    asyncio.run(run())


def test_a_report_has_no_report(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, Host({"RCPT": "550 5.1.1 No"})) as here:
            await here.add("ann@x.example", sender="")
            await here.empty()
            assert await here.inbox() == []

    asyncio.run(run())


def test_a_sender_elsewhere_is_told_through_the_queue(tmp_path: Path) -> None:
    async def run() -> None:
        one, two = Host({"RCPT": "550 5.1.1 No"}), Host()
        async with world(tmp_path, one, two) as here:
            await here.add("ann@x.example", sender="eve@y.example")
            await here.empty()
        assert "MAIL FROM:<>" in two.said
        assert b"To: <eve@y.example>\r\n" in two.letters[0]

    asyncio.run(run())


@pytest.mark.parametrize("script", [{"": "421 busy"}, {"": "554 go away"}, {"RCPT": "450 later"}, {"": DROP}])
def test_the_next_host_in_the_same_attempt(tmp_path: Path, script: dict[str, str]) -> None:
    async def run() -> None:
        two = Host()
        async with world(tmp_path, Host(script), two) as here:
            await here.add("ann@x.example")
            await here.empty()
        assert len(two.letters) == 1

    asyncio.run(run())


def test_a_letter_whose_answer_was_lost_goes_to_no_other_host(tmp_path: Path) -> None:
    """RFC 5321 §4.5.4.1: it may have arrived; the same host may know it again."""

    async def run() -> None:
        one, two = Host({".": DROP}), Host()
        async with world(tmp_path, one, two) as here:
            await here.add("ann@x.example")
            await here.tried()
        assert (len(one.letters), two.letters) == (1, [])

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["454 4.7.0 no TLS now", "220 go ahead", DROP])
def test_tls_that_fails_is_done_without(tmp_path: Path, answer: str) -> None:
    """RFC 7435: better in clear text than not at all."""

    async def run() -> None:
        offers = {"EHLO": "250-host\r\n250 STARTTLS", "STARTTLS": answer}
        host = Host(offers, offers)
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example")
            await here.empty()
        assert len(host.letters) == 1 and host.connections == 2

    asyncio.run(run())


def test_a_letter_too_large_for_them_is_not_sent(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host({"EHLO": "250-host\r\n250 SIZE 100"})
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example")
            await here.empty()
            (report,) = await here.inbox()
        assert "The letter is too large for that server." in report and not any("MAIL" in line for line in host.said)
        assert "What happened: one.example was not asked: the message has" in report
        # RFC 3464 §2.3.6: what a host never said isn't said to be its words.
        assert "Status: 5.3.4" in report and "Diagnostic-Code" not in report and " said: " not in report

    asyncio.run(run())


def test_one_recipient_of_two(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await here.add("ann@x.example", "ben@null.example")
            await here.empty()
            (report,) = await here.inbox()
        assert len(host.letters) == 1
        assert "ben@null.example\r\n    That domain takes no mail at all.\r\n" in report
        assert "Status: 5.1.10\r\n" in report and "ann@" not in report

    asyncio.run(run())


def test_a_way_that_leads_back_here(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, Host({"": "220 Mail.example.org ESMTP"})) as here:
            await here.add("ann@ours.example")
            await here.add("ann@[127.0.0.1]")
            await here.empty()
            reports = await here.inbox()
        assert ["Status: 5.4.6\r\n" in report for report in reports] == [True, True]

    asyncio.run(run())


def test_where_we_are_the_second_host_only_the_first_is_left(tmp_path: Path) -> None:
    """RFC 5321 §5.1: what comes behind us would hand it back to us."""

    async def run() -> None:
        two = Host()
        async with world(tmp_path, Host(), two) as here:
            await here.add("ann@backed.example")
            assert (await here.tried()).reply.startswith("nothing listens at 127.0.0.3:")
        assert two.connections == 0

    asyncio.run(run())


def test_a_host_that_has_an_ipv6_address_alone(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, Host()) as here:
            try:
                server = await asyncio.start_server(host.serve, "::1", here.port)
            except OSError as error:
                pytest.skip(f"this machine has no IPv6: {error}")
            await here.add("ann@six.example")
            await here.add("ann@[IPv6:::1]")
            await here.empty()
            server.close()
        assert len(host.letters) == 2

    asyncio.run(run())


class Narrow(Host):
    """One that takes so many connections at a time."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.now = self.highest = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.now += 1
        self.highest = max(self.highest, self.now)
        try:
            if self.now > self.most:
                self.scripts.insert(0, {"": "421 4.7.0 too many connections"})
            else:
                self.scripts.clear()
            await super().serve(reader, writer)
        finally:
            self.now -= 1


@pytest.mark.parametrize(("most", "opened"), [(100, 5), (2, 5)])
def test_connections_to_one_destination(tmp_path: Path, most: int, opened: int) -> None:
    """No more at a time than the operator allows; where the host wants fewer, nothing is put off for that."""

    async def run() -> None:
        host = Narrow(most)
        async with world(tmp_path, host) as here:
            for _ in range(60):
                await here.add("ann@x.example", terms=Terms(release=NOW + 1))
            here.clock.now += 1
            await here.store.write(queue.retry, Which())
            await here.empty()
        assert len(host.letters) == 60 and 2 <= host.highest <= opened

    asyncio.run(run())


def test_nobody_answers(tmp_path: Path) -> None:
    """What is due there waits together, and nobody else waits."""

    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            for _ in range(10):
                await here.add("ann@dead.example")
            await here.add("ann@broken.example")
            await here.add("ann@x.example")

            async def the_rest_waits() -> bool:
                now = await here.entries()
                return len(now) == 11 and all(one.reply for one in now)

            await here.until(the_rest_waits)
            entries = await here.entries()
        assert len(host.letters) == 1
        assert entries[0].reply.startswith("nothing listens at 127.0.0.3:")
        assert entries[10].reply == "the DNS gives no answer about broken.example at the moment"
        assert all(one.due == entries[0].due for one in entries)

    asyncio.run(run())


def test_told_once_of_a_delay_and_at_last_of_the_end(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(
            tmp_path, Host(*[{"RCPT": "450 4.2.0 Later"}] * 9), Host(*[{"RCPT": "450 Later"}] * 9)
        ) as here:
            await here.add("ann@x.example")
            await here.tried(1)
            assert await here.inbox() == []
            for times in (2, 3):
                here.clock.now += 5 * 3600
                await here.store.write(queue.retry, Which())
                await here.tried(times)
            (delayed,) = await here.inbox()
            assert "Subject: Delayed: A test\r\n" in delayed and "Action: delayed\r\n" in delayed
            assert "Will-Retry-Until: " in delayed
            here.clock.now += LIFETIME
            await here.store.write(queue.retry, Which())
            await here.empty()
            _, failed = await here.inbox()
        assert "Action: failed\r\n" in failed and "450 Later" in failed

    asyncio.run(run())


def test_one_connection_for_many_letters(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            for _ in range(30):
                await here.add("ann@x.example")
            await here.empty()
        assert len(host.letters) == 30
        assert host.connections < 30

    asyncio.run(run())


def test_what_was_in_flight_when_it_stops_is_tried_again(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        silent = asyncio.Event()

        async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            silent.set()
            await reader.read()
            writer.close()

        async with world(tmp_path, host) as here:
            server = await asyncio.start_server(says_nothing, "127.0.0.2", here.port)
            await here.add("cat@y.example")
            await silent.wait()
            await here.relay.stop(0.01)
            assert len(await here.entries()) == 1
            assert await here.store.write(lease.recover) == 1
            server.close()

    asyncio.run(run())


def test_the_relay_hears_of_what_another_process_queues(tmp_path: Path) -> None:
    def queue_there() -> None:
        other = Store.open(tmp_path, readers=1, clock=Clock())
        other.run(queue.add, keep(other, letter()), 10, Onward(b"", ADA, [To("ann@x.example", "x.example")]))
        other.close()

    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await asyncio.to_thread(queue_there)
            await here.empty()
        assert len(host.letters) == 1

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("\x16\x03\x01 who are you?", "the server sent what is no SMTP reply: "),
        ("999 surely", "the server sent what is no SMTP reply: "),
        ("250-half of\r\n251 an answer", "the server sent two codes in one reply: 250 and 251"),
        ("250-a line without end " + "x" * 100_000, "a line of more than "),
    ],
    ids=["octets", "number", "codes", "length"],
)
def test_an_answer_that_makes_no_sense(tmp_path: Path, verb: str, answer: str, why: str) -> None:
    """The letter waits, and the host isn't believed: it may be out of its mind, or somebody else."""

    async def run() -> None:
        host = Host({verb: answer})
        async with world(tmp_path, Host(), host) as here:
            await here.add("cat@y.example")
            entry = await here.tried()
            assert why in entry.reply
            assert (entry.attempts, entry.due) == (1, NOW + 3600)
            assert await here.inbox() == []

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_half_an_answer(tmp_path: Path, verb: str) -> None:
    """And then the line is dropped."""

    async def run() -> None:
        host = Host({verb: HALF + "250-hello\r\n250"})
        async with world(tmp_path, Host(), host) as here:
            await here.add("cat@y.example")
            entry = await here.tried()
            assert "closed the connection" in entry.reply
            assert len(host.letters) == (verb == ".")

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_never(tmp_path: Path, verb: str) -> None:
    """5yz to the letter, wherever it is said: the sender hears the host's words, and nothing is tried again."""

    async def run() -> None:
        host = Host({verb: "554 5.7.1 We don't want it"})
        async with world(tmp_path, Host(), host) as here:
            await here.add("cat@y.example")
            await here.empty()
            (report,) = await here.inbox()
        assert "    The server refuses the letter by its rules.\r\n" in report
        assert "    two.example said: 554 5.7.1 We don't want it\r\n" in report
        assert "Status: 5.7.1\r\n" in report and host.connections == 1

    asyncio.run(run())
