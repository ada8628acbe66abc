"""What a sender asked for with MAIL and RCPT, kept on the way out: RFC 2852, 3461, 4865, 6710."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mail_hosts import Host, World, world
from posthouse.store import account, queue
from posthouse.store.queue import Terms, Which
from store_helpers import NOW, letter

ANN = "ann@x.example"
# A host that keeps no promise, and one that keeps them all.
PLAIN: dict[str, str] = {}
ABLE = {"EHLO": "250-host\r\n250-8BITMIME\r\n250-DSN\r\n250-DELIVERBY 60\r\n250 MT-PRIORITY"}
DSN = {"EHLO": "250-host\r\n250 DSN"}


def mail_of(host: Host) -> list[str]:
    return [line for line in host.said if line[:4] in ("MAIL", "RCPT")]


async def reports(here: World, count: int) -> list[str]:
    async def come() -> bool:
        return len(await here.inbox()) >= count and not await here.entries()

    await here.until(come)
    found = await here.inbox()
    assert len(found) == count
    return found


# -- reports: RFC 3461 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "notify", "reported"),
    [
        (PLAIN, "", False),
        (PLAIN, "FAILURE", False),
        (PLAIN, "NEVER", False),
        (PLAIN, "SUCCESS", True),  # §5.2.2: the trail ends here
        (DSN, "SUCCESS", False),  # the next server reports
    ],
)
def test_success(tmp_path: Path, able: dict[str, str], notify: str, reported: bool) -> None:
    async def run() -> None:
        host = Host(able)
        async with world(tmp_path, host) as here:
            await here.add(ANN, notify=notify, terms=Terms(envid="id+2B1", ret="FULL"))
            await here.empty()
            found = await here.inbox()
        assert len(found) == reported
        if reported:
            assert "\r\nAction: relayed\r\nStatus: 2.0.0\r\n" in found[0]
            assert "\r\nOriginal-Envelope-Id: id+1\r\n" in found[0]
            assert "Subject: Sent on: A test" in found[0] and "Hello." not in found[0]
        if able is DSN:
            words = mail_of(host)
            assert words == [
                "MAIL FROM:<ada@example.org> RET=FULL ENVID=id+2B1",
                "RCPT TO:<ann@x.example> NOTIFY=SUCCESS",
            ]

    asyncio.run(run())


@pytest.mark.parametrize(("notify", "told"), [("", 1), ("FAILURE", 1), ("SUCCESS,DELAY", 0), ("NEVER", 0)])
def test_failure(tmp_path: Path, notify: str, told: int) -> None:
    async def run() -> None:
        async with world(tmp_path, Host({"RCPT": "550 5.1.1 no"})) as here:
            await here.add(ANN, notify=notify)
            await here.empty()
            assert len(await here.inbox()) == told

    asyncio.run(run())


@pytest.mark.parametrize(
    ("terms", "whole"),
    [
        (Terms(), False),
        (Terms(ret="HDRS"), False),
        (Terms(ret="FULL"), True),
        (Terms(ret="FULL", requiretls=True), False),
    ],
)
def test_what_comes_back(tmp_path: Path, terms: Terms, whole: bool) -> None:
    """§4.3; RFC 8689 §5 lets no letter come back whole that may travel encrypted only."""

    async def run() -> None:
        # Nobody vouches for x.example's MX records, so what needs that comes back too.
        async with world(tmp_path, Host({"RCPT": "550 5.1.1 no"})) as here:
            await here.add(ANN, raw=letter(body="Grüße."), terms=terms)
            (report,) = await reports(here, 1)
        assert ("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nReceived: x" in report) == whole
        assert ("Grüße." in report) == whole
        assert ("Status: 5.7.10" in report) == terms.requiretls

    asyncio.run(run())


# -- in time or not at all: RFC 2852 ---------------------------------------------------------------------------------


def test_the_time_that_is_left_is_passed_on(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host(ABLE)
        async with world(tmp_path, host) as here:
            await here.add(ANN, terms=Terms(deliver_by=NOW + 100, by_mode="R", priority=5))
            await here.empty()
            assert await here.inbox() == []
        assert mail_of(host)[0] == "MAIL FROM:<ada@example.org> BY=100;R MT-PRIORITY=5"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("able", "seconds", "status"),
    [
        (PLAIN, 100, "5.3.3"),  # §4.1.4.1: not to who doesn't know it
        (ABLE, 59, "5.4.7"),  # … nor to who wants more time
        (ABLE, 0, "5.4.7"),  # §4.1.3
    ],
)
def test_in_time_or_back(tmp_path: Path, able: dict[str, str], seconds: int, status: str) -> None:
    async def run() -> None:
        host = Host(able)
        async with world(tmp_path, host) as here:
            await here.add(ANN, terms=Terms(deliver_by=NOW + seconds, by_mode="R"))
            (report,) = await reports(here, 1)
        assert host.letters == []
        assert f"\r\nAction: failed\r\nStatus: {status}\r\n" in report
        assert "Diagnostic-Code" not in report, "the host was not asked"
        assert "\r\nDeliver-By-Date: " in report

    asyncio.run(run())


def test_the_deadline_ends_the_attempts(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host(ABLE | {"RCPT": "450 4.2.0 later"})
        async with world(tmp_path, host, delays=(3600,)) as here:
            await here.add(ANN, terms=Terms(deliver_by=NOW + 100, by_mode="R"))
            assert (await here.tried()).due == NOW + 100, "not in an hour: the sender is told in time"
            here.clock.now = NOW + 100
            await here.store.write(queue.retry, Which())
            (report,) = await reports(here, 1)
        assert "Status: 5.4.7" in report and host.connections == 1

    asyncio.run(run())


def test_the_sender_is_told_of_the_deadline_and_the_attempts_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        busy = ABLE | {"RCPT": "450 4.2.0 later"}
        host = Host(busy, busy, ABLE)
        async with world(tmp_path, host, delays=(3600,)) as here:
            await here.add(ANN, terms=Terms(deliver_by=NOW + 100, by_mode="N"))
            assert (await here.tried()).due == NOW + 100
            here.clock.now = NOW + 101
            await here.store.write(queue.retry, Which())
            await here.tried(2)
            (report,) = await here.inbox()
            assert "\r\nAction: delayed\r\nStatus: 4.4.7\r\n" in report
            here.clock.now = NOW + 5000
            await here.store.write(queue.retry, Which())
            await here.empty()
            assert len(await here.inbox()) == 1
        assert "BY=-4900;N" in mail_of(host)[-2]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("able", "mode", "notify", "relayed"),
    [
        (ABLE, "N", "", False),
        (PLAIN, "N", "", True),  # §4.1.4.2
        (PLAIN, "N", "NEVER", False),
        (ABLE, "NT", "", True),  # §4.1.4: the trace
        (ABLE, "RT", "FAILURE", True),
    ],
)
def test_the_trace(tmp_path: Path, able: dict[str, str], mode: str, notify: str, relayed: bool) -> None:
    async def run() -> None:
        async with world(tmp_path, Host(able)) as here:
            await here.add(ANN, notify=notify, terms=Terms(deliver_by=NOW + 100, by_mode=mode))
            await here.empty()
            found = await here.inbox()
        assert ["Action: relayed" in one for one in found] == [True] * relayed

    asyncio.run(run())


def test_who_lacks_deliverby_is_asked_to_tell_of_delays(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host(DSN, DSN)
        async with world(tmp_path, host) as here:
            for notify in ("", "SUCCESS"):
                await here.add(ANN, notify=notify, terms=Terms(deliver_by=NOW + 100, by_mode="N"))
            await here.empty()
        asked = {line.partition(" NOTIFY=")[2] for line in mail_of(host) if line.startswith("RCPT")}
        assert asked == {"DELAY,FAILURE", "DELAY,SUCCESS"}

    asyncio.run(run())


# -- later: RFC 4865 -------------------------------------------------------------------------------------------------


def test_a_letter_waits_for_its_time(tmp_path: Path) -> None:
    async def run() -> None:
        host = Host()
        async with world(tmp_path, host) as here:
            await here.add(ANN, terms=Terms(release=NOW + 1000, hold="for;1000"))
            (entry,) = await here.entries()
            assert (entry.due, entry.attempts) == (NOW + 1000, 0)
            for change in (queue.retry, queue.hold, queue.release):
                await here.store.write(change, Which())
            (entry,) = await here.entries()
            assert (entry.due, entry.state) == (NOW + 1000, "waiting"), "nor does the operator hurry it by accident"
            here.clock.now = NOW + 1000
            await here.store.write(queue.retry, Which())
            await here.empty()
        assert len(host.letters) == 1

    asyncio.run(run())


def test_a_letter_to_ourselves_that_had_to_wait(tmp_path: Path) -> None:
    async def run() -> None:
        async with world(tmp_path, Host()) as here:
            await here.store.write(account.add, "bob@example.org", "hash")
            await here.add(
                "bob@example.org",
                "gone@example.org",
                notify="SUCCESS,FAILURE",
                terms=Terms(release=NOW - 1, hold="until;2023-11-14T22:13:19Z"),
            )
            one, two, three = await reports(here, 3)
        assert [("Hello." in one, "Subject: A test" in one)] == [(True, True)], "the letter itself"
        assert "Action: failed\r\nStatus: 5.1.1" in two and "gone@example.org" in two
        assert "Action: delivered\r\nStatus: 2.1.5" in three
        assert "\r\nFuture-Release-Request: until;2023-11-14T22:13:19Z\r\n" in three

    asyncio.run(run())


# -- TLS-Required: No (RFC 8689 §5, §6) ------------------------------------------------------------------------------


@pytest.mark.parametrize("requiretls", [False, True])
def test_the_report_of_a_letter_that_tls_must_not_stop(tmp_path: Path, requiretls: bool) -> None:
    """It travels in the same manner; where MAIL had REQUIRETLS, that is the manner."""
    raw = b"TLS-Required: No\r\n" + letter()

    async def run() -> None:
        async with world(tmp_path, Host({"RCPT": "550 5.1.1 no"})) as here:
            await here.add(ANN, raw=raw, terms=Terms(ret="FULL", requiretls=requiretls))
            (report,) = await reports(here, 1)
        header, _, rest = report.partition("\r\n\r\n")
        assert ("TLS-Required: No" in header) == (not requiretls)
        assert ("Hello." in rest) == (not requiretls)

    asyncio.run(run())
