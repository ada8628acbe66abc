"""SMTP operations against transcripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from dialogue import converse
from posthouse.client import smtp
from posthouse.client.login import LoggedIn
from posthouse.client.smtp import Conversation, SendResult, envelope_for
from posthouse.client.url import Protocol, Server
from posthouse.delivery.courier import GREETING_SECONDS
from posthouse.errors import (
    ConnectionFailed,
    InvalidMessage,
    LocalProtocolError,
    LoginRefused,
    PosthouseError,
    RemoteProtocolError,
    SmtpRefused,
    TlsError,
)
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps

STARTTLS = Server.parse("smtp://mail.example.org", Protocol.SMTP)
IMPLICIT = Server.parse("submissions://mail.example.org", Protocol.SMTP)
CLEAR = Server.parse("smtp://mail.example.org:25?tls=none", Protocol.SMTP)
ADA = Credentials("ada@example.org", "secret")
LETTER = b"Subject: hi\n\n.dot\nend"


def conversation(server: Server = CLEAR, capabilities: str = "", **known: bool) -> Conversation:
    """A conversation that stands, with a server that has announced ``capabilities``."""
    smtp = Conversation(server, "[127.0.0.1]")
    smtp.capabilities = {
        word.partition("=")[0]: word.partition("=")[2].replace(",", " ") for word in capabilities.split()
    }
    for name, value in known.items():
        setattr(smtp, name, value)
    return smtp


def connect(server: Server) -> Callable[[], Steps[None]]:
    return lambda: smtp.connect(Conversation(server, "[127.0.0.1]"))


SILENT = "SILENCE\nPROBE 32\nSILENCE"


class TestConnect:
    def test_starttls_then_ehlo_anew(self) -> None:
        talk = """
            S: 220 mail.example.org ESMTP
            C: EHLO [127.0.0.1]
            S: 250-mail.example.org
            S: 250-AUTH LOGIN
            S: 250 STARTTLS
            C: STARTTLS
            S: 220 go
            TLS
            C: EHLO [127.0.0.1]
            S: 250-mail.example.org
            S: 250-PIPELINING
            S: 250 AUTH PLAIN
        """

        def operation() -> Steps[Conversation]:
            one = Conversation(STARTTLS, "[127.0.0.1]")
            yield from smtp.connect(one)
            return one

        done = converse(operation, talk)
        assert done.tls
        assert done.capabilities == {"PIPELINING": "", "AUTH": "PLAIN"}

    def test_implicit_tls_comes_before_the_greeting(self) -> None:
        converse(connect(IMPLICIT), "TLS\nS: 220 hi\nC: EHLO [127.0.0.1]\nS: 250 hi")

    def test_no_tls_offered_and_none_is_used(self) -> None:
        talk = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250 hi"
        with pytest.raises(TlsError, match=r"mail.example.org:587 offers no encryption") as refused:
            converse(connect(STARTTLS), talk)
        assert "465" in refused.value.advice
        converse(connect(CLEAR), talk)

    def test_the_offer_of_tls_is_withdrawn(self) -> None:
        talk = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 not now"
        with pytest.raises(TlsError, match=r"can't begin it: 454 4.7.0 not now"):
            converse(connect(STARTTLS), talk)

    def test_a_server_that_knows_only_helo(self) -> None:
        talk = "S: 220 hi\nC: EHLO [127.0.0.1]\nS: 502 what?\nC: HELO [127.0.0.1]\nS: 250 hi"
        converse(connect(CLEAR), talk)

    @pytest.mark.parametrize("greeting", ["554 5.3.2 closed", "421 4.7.0 too many connections"])
    def test_a_server_that_is_not_willing(self, greeting: str) -> None:
        with pytest.raises(SmtpRefused, match=greeting[4:]):
            converse(connect(CLEAR), f"S: {greeting}")

    def test_a_port_that_waits_for_tls_is_found_out(self) -> None:
        with pytest.raises(TlsError, match=r"expects TLS from the first octet") as refused:
            converse(connect(STARTTLS), "SILENCE\nPROBE 16")
        assert "tls=implicit" in refused.value.advice

    def test_a_slow_server_may_take_its_time(self) -> None:
        converse(connect(CLEAR), "SILENCE\nPROBE -\nS: 220 hi\nC: EHLO [127.0.0.1]\nS: 250 hi")
        converse(connect(IMPLICIT), "TLS\nSILENCE\nS: 220 hi\nC: EHLO [127.0.0.1]\nS: 250 hi")

    @pytest.mark.parametrize(
        ("talk", "sentence"),
        [
            (SILENT, "said nothing for 60 seconds"),
            ("CLOSE", "without a word"),
            ("S: 22\nCLOSE", "does not speak SMTP"),
            ("S: * OK IMAP4rev1 ready", "does not speak SMTP"),
            ("S: HTTP/1.1 400 Bad Request", "does not speak SMTP"),
        ],
    )
    def test_what_is_no_greeting(self, talk: str, sentence: str) -> None:
        with pytest.raises(ConnectionFailed, match=sentence) as refused:
            converse(connect(CLEAR), talk)
        assert refused.value.advice

    def test_who_carries_the_letters_of_others_has_patience(self) -> None:
        """RFC 5321 §4.5.3.2.1: five minutes."""
        with pytest.raises(ConnectionFailed, match="said nothing for 300 seconds"):
            converse(lambda: smtp.connect(Conversation(CLEAR, "mail.example.org"), GREETING_SECONDS), SILENT)

    def test_octets_before_the_handshake_are_an_attack(self) -> None:
        one = conversation(STARTTLS, "STARTTLS")
        steps = smtp.start_tls(one)
        next(steps)
        steps.send(None)
        steps.send(b"220 go\r\n250 injected\r\n")
        with pytest.raises(RemoteProtocolError, match=r"somebody spoke"):
            steps.send(None)


class TestLogin:
    def login(self, capabilities: str, **known: bool) -> Callable[[], Steps[LoggedIn]]:
        return lambda: smtp.login(conversation(STARTTLS, capabilities, **known), ADA)

    def test_plain_is_preferred(self) -> None:
        talk = "C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: 235 2.7.0 welcome"
        converse(self.login("AUTH=LOGIN,PLAIN", tls=True), talk)

    def test_login(self) -> None:
        talk = """
            C: AUTH LOGIN
            S: 334 VXNlcm5hbWU6
            C: YWRhQGV4YW1wbGUub3Jn
            S: 334 UGFzc3dvcmQ6
            C: c2VjcmV0
            S: 235 2.7.0 welcome
        """
        converse(self.login("AUTH=LOGIN", tls=True), talk)

    def test_a_long_initial_response_waits(self) -> None:
        credentials = Credentials("ada", "x" * 500)
        steps = smtp.login(conversation(STARTTLS, "AUTH=PLAIN", tls=True), credentials)
        assert next(steps) == b"AUTH PLAIN\r\n"
        steps.send(None)
        answer = steps.send(b"334 \r\n")
        assert isinstance(answer, bytes)
        assert len(answer) > 500

    def test_never_in_clear_text(self) -> None:
        with pytest.raises(TlsError, match=r"clear text") as refused:
            converse(self.login("AUTH=PLAIN"), "")
        assert "tls=starttls" in refused.value.advice

    def test_in_clear_text_only_within_this_computer_and_if_asked_for(self) -> None:
        talk = "C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: 235 2.7.0 welcome"
        converse(lambda: smtp.login(conversation(CLEAR, "AUTH=PLAIN", loopback=True), ADA), talk)
        for server, loopback in ((CLEAR, False), (STARTTLS, True)):
            one = conversation(server, "AUTH=PLAIN", loopback=loopback)
            with pytest.raises(TlsError, match=r"clear text"):
                converse(lambda one=one: smtp.login(one, ADA), "")  # type: ignore[misc]

    def test_a_wrong_password(self) -> None:
        talk = "C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: 535 5.7.8 no"
        with pytest.raises(LoginRefused, match=r"refused the login of ada@example.org: 535 5.7.8 no") as refused:
            converse(self.login("AUTH=PLAIN", tls=True), talk)
        assert "secret" not in str(refused.value)
        assert "password" in refused.value.advice

    def test_gmail_wants_an_app_password(self) -> None:
        gmail = Server.parse("smtps://smtp.gmail.com", Protocol.SMTP)
        talk = "C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: 535-5.7.8 not accepted.\nS: 535 5.7.8 x"
        with pytest.raises(LoginRefused) as refused:
            converse(lambda: smtp.login(conversation(gmail, "AUTH=PLAIN", tls=True), ADA), talk)
        assert "https://myaccount.google.com/apppasswords" in refused.value.advice

    def test_microsoft_wants_oauth(self) -> None:
        outlook = Server.parse("smtp://smtp.office365.com", Protocol.SMTP)
        with pytest.raises(LoginRefused, match=r"takes no password here, only XOAUTH2") as refused:
            converse(lambda: smtp.login(conversation(outlook, "AUTH=XOAUTH2", tls=True), ADA), "")
        assert "OAuth2" in refused.value.advice

    def test_try_again_later(self) -> None:
        talk = "C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: 454 4.7.0 database is away"
        with pytest.raises(SmtpRefused, match=r"can't be checked at the moment"):
            converse(self.login("AUTH=PLAIN", tls=True), talk)

    def test_no_login_here(self) -> None:
        with pytest.raises(LoginRefused, match=r"takes no password here") as refused:
            converse(self.login("", tls=True), "")
        assert "587" in refused.value.advice

    def test_no_login_without_tls(self) -> None:
        clear = conversation(CLEAR, "STARTTLS", loopback=True)
        with pytest.raises(LoginRefused, match=r"takes no password here") as refused:
            converse(lambda: smtp.login(clear, ADA), "")
        assert "tls=none" in refused.value.advice

    @pytest.mark.parametrize("challenge", ["334 !!", "334 bW9yZQ=="])
    def test_an_exchange_that_makes_no_sense_is_cancelled(self, challenge: str) -> None:
        talk = f"C: AUTH PLAIN AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ=\nS: {challenge}\nC: *\nS: 501 5.5.2 cancelled"
        with pytest.raises(LoginRefused, match=r"501"):
            converse(self.login("AUTH=PLAIN", tls=True), talk)


def send(
    capabilities: str, to: Iterable[str] = ("bob@example.org",), letter: bytes = LETTER, **known: bool
) -> Callable[[], Steps[SendResult]]:
    envelope = envelope_for("ada@example.org", to, letter)
    return lambda: smtp.send(conversation(CLEAR, capabilities, **known), envelope, letter)


MAIL, BOB, EVE = "MAIL FROM:<ada@example.org>", "RCPT TO:<bob@example.org>", "RCPT TO:<eve@example.org>"
BODY = "C: Subject: hi\nC:\nC: ..dot\nC: end\nC: ."


class TestToken:
    """OAuth 2: OAUTHBEARER (RFC 7628), else XOAUTH2."""

    OAUTHBEARER = "bixhPWFkYUBleGFtcGxlLm9yZywBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="
    XOAUTH2 = "dXNlcj1hZGFAZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="

    def login(self, mechanisms: str, **known: bool) -> Callable[[], Steps[LoggedIn]]:
        token = Token("ada@example.org", "token")
        return lambda: smtp.login(conversation(IMPLICIT, f"AUTH={mechanisms}", **known), token)

    def test_taken(self) -> None:
        converse(
            self.login("LOGIN,XOAUTH2,OAUTHBEARER", tls=True), f"C: AUTH OAUTHBEARER {self.OAUTHBEARER}\nS: 235 ok"
        )
        converse(self.login("PLAIN,XOAUTH2", tls=True), f"C: AUTH XOAUTH2 {self.XOAUTH2}\nS: 235 ok")

    def test_refused(self) -> None:
        """The server says why in a challenge, and refuses what answers it."""
        talk = (
            f"C: AUTH OAUTHBEARER {self.OAUTHBEARER}\nS: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\nC: AQ==\nS: 535 no"
        )
        with pytest.raises(LoginRefused, match=r"refused the token of ada@example.org: 535 no \(invalid_token\)"):
            converse(self.login("OAUTHBEARER", tls=True), talk)

    def test_never_in_clear_text_nor_where_it_is_unknown(self) -> None:
        with pytest.raises(TlsError):
            converse(self.login("XOAUTH2"), "")
        with pytest.raises(LoginRefused, match="takes no OAuth 2 tokens"):
            converse(self.login("PLAIN", tls=True), "")


class TestSend:
    def test_one_by_one(self) -> None:
        talk = f"C: {MAIL}\nS: 250 ok\nC: {BOB}\nS: 250 ok\nC: DATA\nS: 354 go on\n{BODY}\nS: 250 2.0.0 queued"
        result = converse(send(""), talk)
        assert result.accepted == ("bob@example.org",)
        assert str(result.check().reply) == "250 2.0.0 queued"

    def test_in_one_flight(self) -> None:
        talk = f"""
            C: {MAIL} SIZE=21
            C: {BOB}
            C: {EVE}
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 550 5.1.1 no eve here
            S: 354 go on
            {BODY}
            S: 250 2.0.0 queued
        """
        result = converse(send("PIPELINING SIZE", ["bob@example.org", "eve@example.org"]), talk)
        assert result.accepted == ("bob@example.org",)
        assert {address: reply.code for address, reply in result.refused.items()} == {"eve@example.org": 550}

    def test_all_recipients_are_refused(self) -> None:
        talk = f"C: {MAIL}\nC: {BOB}\nC: DATA\nS: 250 ok\nS: 550 5.1.1 unknown\nS: 503 5.5.1 no recipients"
        result = converse(send("PIPELINING"), talk)
        assert not result.accepted
        with pytest.raises(
            SmtpRefused, match=r"the letter to bob@example.org was refused: 550 5.1.1 unknown"
        ) as refused:
            result.check()
        assert refused.value.code == 550
        talk = f"C: {MAIL}\nS: 250 ok\nC: {BOB}\nS: 450 4.2.0 greylisted"
        with pytest.raises(SmtpRefused, match=r"greylisted") as refused:
            converse(send(""), talk).check()
        assert refused.value.temporary
        assert refused.value.advice == "Try again later."

    def test_all_are_refused_and_the_server_wants_the_letter(self) -> None:
        """RFC 2920 §3.1."""
        talk = f"C: {MAIL}\nC: {BOB}\nC: DATA\nS: 250 ok\nS: 550 no\nS: 354 go on\nC: .\nS: 554 no valid recipients"
        assert not converse(send("PIPELINING"), talk).accepted

    def test_the_sender_is_refused(self) -> None:
        talk = f"C: {MAIL}\nC: {BOB}\nC: DATA\nS: 553 5.7.1 not yours\nS: 503 x\nS: 503 x"
        with pytest.raises(SmtpRefused, match=r"553 5.7.1 not yours"):
            converse(send("PIPELINING"), talk).check()
        with pytest.raises(SmtpRefused, match=r"553 5.7.1 not yours"):
            converse(send(""), f"C: {MAIL}\nS: 553 5.7.1 not yours").check()

    def test_the_letter_is_refused(self) -> None:
        start = f"C: {MAIL}\nC: {BOB}\nC: {EVE}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\n"
        to = ["bob@example.org", "eve@example.org"]
        with pytest.raises(
            SmtpRefused, match=r"the letter to bob@example.org, eve@example.org was refused: 554 5.7.1 spam"
        ):
            converse(send("PIPELINING", to), start + f"S: 354 go on\n{BODY}\nS: 554 5.7.1 spam").check()
        with pytest.raises(
            SmtpRefused, match=r"the letter to bob@example.org, eve@example.org was refused: 451 4.3.0 full"
        ):
            converse(send("PIPELINING", to), start + "S: 451 4.3.0 full").check()

    def test_what_was_left_unfinished_is_reset(self) -> None:
        start = f"C: {MAIL}\nC: {BOB}\nC: DATA\nS: 250 ok\nS: 550 no\nS: 503 no"
        again = (
            f"C: RSET\nC: {MAIL}\nC: {BOB}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go on\n{BODY}\nS: 250 ok"
        )

        def operation() -> Steps[SendResult]:
            one = conversation(CLEAR, "PIPELINING")
            envelope = envelope_for("ada@example.org", ["bob@example.org"], LETTER)
            yield from smtp.send(one, envelope, LETTER)
            return (yield from smtp.send(one, envelope, LETTER))

        assert converse(operation, f"{start}\n{again}").accepted
        assert converse(operation, f"{start}\n{again}").accepted

    def test_in_one_flight_where_the_server_takes_chunks(self) -> None:
        """RFC 3030 §2, §4.2: no dots to double, and nothing to wait for before the content."""
        start = f"C: {MAIL}\nC: {BOB}\nC: BDAT 26 LAST\nC: Subject: hi\nC:\nC: .dot\nC: end\n"
        letter = LETTER + b"\n"
        took = converse(
            send("PIPELINING CHUNKING", letter=letter), start + "S: 250 ok\nS: 250 ok\nS: 250 2.0.0 26 octets"
        )
        assert took.accepted and took.reply.enhanced == "2.0.0"
        nobody = converse(
            send("PIPELINING CHUNKING", letter=letter), start + "S: 250 ok\nS: 550 5.1.1 who?\nS: 503 none"
        )
        assert not nobody.accepted and nobody.reply.code == 550
        with pytest.raises(SmtpRefused, match=r"553 5.7.1 not yours"):
            talk = start + "S: 553 5.7.1 not yours\nS: 503 no\nS: 503 no"
            converse(send("PIPELINING CHUNKING", letter=letter), talk).check()
        with pytest.raises(SmtpRefused, match=r"554 5.7.1 spam"):
            talk = start + "S: 250 ok\nS: 250 ok\nS: 554 5.7.1 spam"
            converse(send("PIPELINING CHUNKING", letter=letter), talk).check()

    def test_a_large_letter_goes_in_chunks_and_stops_at_a_refused_one(self) -> None:
        letter = b"x" * 62 + b"\r\n"
        letter *= 3 * smtp.CHUNK // 64
        said: list[bytes] = []

        def run(*replies: bytes) -> SendResult:
            said.clear()
            one = conversation(CLEAR, "PIPELINING CHUNKING")
            steps = smtp.send(one, envelope_for("ada@example.org", ["bob@example.org"], letter), letter)
            answers = iter(replies)
            try:
                wish = next(steps)
                while True:
                    if isinstance(wish, bytes):
                        said.append(wish)
                        wish = steps.send(None)
                    else:
                        wish = steps.send(next(answers))
            except StopIteration as stop:
                result: SendResult = stop.value
                return result

        begun = b"250 ok\r\n250 ok\r\n"
        assert run(begun, b"250 one\r\n", b"250 two\r\n", b"250 2.0.0 all\r\n").accepted
        assert [piece.partition(b"\r\n")[0] for piece in said[1:]] == [
            b"BDAT 262144", b"BDAT 262144", b"BDAT 262144 LAST",
        ]  # fmt: skip
        assert b"".join(piece.partition(b"\r\n")[2] for piece in said[1:]) == letter
        refused = run(begun, b"452 4.3.1 full\r\n", b"503 no\r\n")
        assert refused.refused["bob@example.org"].code == 452 and len(said) == 3

    def test_lmtp_answers_for_each_recipient(self) -> None:
        """RFC 2033 §4.2."""
        server = Server.parse("lmtp://127.0.0.1", Protocol.LMTP)
        hello = "S: 220 store LMTP\nC: LHLO [127.0.0.1]\nS: 250-store\nS: 250 PIPELINING\n"
        converse(connect(server), hello)

        def operation() -> Steps[SendResult]:
            one = Conversation(server, "[127.0.0.1]")
            one.capabilities = {"PIPELINING": ""}
            to = ["bob@example.org", "eve@example.org", "dan@example.org"]
            return (yield from smtp.send(one, envelope_for("ada@example.org", to, LETTER), LETTER))

        talk = f"""
            C: {MAIL}
            C: {BOB}
            C: {EVE}
            C: RCPT TO:<dan@example.org>
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 550 5.1.1 no eve
            S: 250 ok
            S: 354 go on
            {BODY}
            S: 250 2.1.5 bob has it
            S: 452 4.2.2 dan is full
        """
        result = converse(operation, talk)
        assert result.accepted == ("bob@example.org",)
        assert {address: one.code for address, one in result.refused.items()} == {
            "eve@example.org": 550,
            "dan@example.org": 452,
        }

    def test_lmtp_has_no_answer_to_chunks_for_nobody(self) -> None:
        """RFC 2033 §4.3; other servers refuse them."""

        def operation() -> Steps[SendResult]:
            one = Conversation(Server.parse("lmtp://127.0.0.1", Protocol.LMTP), "[127.0.0.1]")
            one.capabilities = {"PIPELINING": "", "CHUNKING": ""}
            envelope = envelope_for("ada@example.org", ["bob@example.org"], LETTER)
            result = yield from smtp.send(one, envelope, b"x\r\n")
            assert not one.unfinished
            return result

        start = f"C: {MAIL}\nC: {BOB}\nC: BDAT 3 LAST\nC: x\n"
        for sender, recipient in ("250 ok", "550 5.1.1 no bob"), ("550 5.7.1 not from you", "503 no"):
            for word in "", "S: 503 no recipients\n":
                talk = f"{start}S: {sender}\nS: {recipient}\nC: RSET\n{word}S: 250 ok"
                assert converse(operation, talk).refused["bob@example.org"].code == 550

    def test_the_next_letter_leaves_with_this_ones_content(self) -> None:
        def operation() -> Steps[tuple[SendResult, SendResult]]:
            one = conversation(CLEAR, "PIPELINING")
            first = envelope_for("ada@example.org", ["bob@example.org"], LETTER)
            second = envelope_for("ada@example.org", ["eve@example.org"], LETTER)
            with pytest.raises(LocalProtocolError, match=r"at least one recipient"):
                next(smtp.send(one, envelope_for("ada@example.org", [], LETTER), LETTER))
            one_result = yield from smtp.send(one, first, LETTER, following=(second, LETTER))
            with pytest.raises(LocalProtocolError, match=r"under way"):
                next(smtp.send(one, first, LETTER))
            return one_result, (yield from smtp.send(one, second, LETTER))

        talk = f"""
            C: {MAIL}
            C: {BOB}
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 354 go on
            {BODY}
            C: {MAIL}
            C: {EVE}
            C: DATA
            S: 250 first
            S: 250 ok
            S: 250 ok
            S: 354 go on
            {BODY}
            S: 250 second
        """
        first, second = converse(operation, talk)
        assert (first.reply.text, second.reply.text) == ("first", "second")

    def test_many_recipients_are_several_flights(self) -> None:
        to = [f"u{number}@example.org" for number in range(201)]
        first = "".join(f"C: RCPT TO:<{address}>\n" for address in to[:200]) + "S: 250 ok\n" * 200
        talk = f"C: {MAIL}\nS: 250 ok\n{first}C: RCPT TO:<{to[200]}>\nS: 250 ok\nC: DATA\nS: 354 go\n"
        assert len(converse(send("PIPELINING", to), f"{talk}{BODY}\nS: 250 ok").accepted) == 201

    def test_a_large_letter_goes_out_in_pieces(self) -> None:
        letter = b".\r\n" * 300_000
        steps = smtp.send(conversation(CLEAR, "PIPELINING"), envelope_for("", ["bob@example.org"], letter), letter)
        assert next(steps) == b"MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
        steps.send(None)
        pieces = []
        piece = steps.send(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        while isinstance(piece, bytes):
            pieces.append(piece)
            piece = steps.send(None)
        assert len(pieces) == 4
        assert b"".join(pieces) == b"..\r\n" * 300_000 + b".\r\n"

    def test_the_server_hangs_up(self) -> None:
        with pytest.raises(SmtpRefused, match=r"421 4.3.2 shutting down"):
            converse(send(""), f"C: {MAIL}\nS: 421 4.3.2 shutting down")
        with pytest.raises(ConnectionFailed, match=r"mail\.example\.org closed the connection"):
            converse(send(""), f"C: {MAIL}\nCLOSE")
        with pytest.raises(RemoteProtocolError, match=r"wants the letter all the same"):
            converse(send("PIPELINING"), f"C: {MAIL}\nC: {BOB}\nC: DATA\nS: 550 no\nS: 550 no\nS: 354 go on")


class TestWhatTheServerCannotTake:
    def refusal(self, capabilities: str, sender: str, to: str, letter: bytes) -> SmtpRefused:
        envelope = envelope_for(sender, [to], letter)
        result = converse(lambda: smtp.send(conversation(CLEAR, capabilities), envelope, letter), "")
        assert not result.asked
        with pytest.raises(SmtpRefused) as refused:
            result.check()
        return refused.value

    def test_too_big(self) -> None:
        assert self.refusal("SIZE=10", "a@x.org", "b@x.org", LETTER).code == 552

    def test_8_bit(self) -> None:
        assert self.refusal("", "a@x.org", "b@x.org", b"Subject: x\n\n\xc3\xa4").enhanced == "5.6.3"

    @pytest.mark.parametrize("sender", ["ä@x.org", "a@x.org"])
    def test_addresses_and_headers_beyond_ascii(self, sender: str) -> None:
        letter = "Subject: x\n\n" if not sender.isascii() else "Subject: ä\n\n"
        assert self.refusal("8BITMIME", sender, "b@x.org", letter.encode()).enhanced == "5.6.7"
        assert self.refusal("8BITMIME", "a@x.org", "ö@x.org", b"Subject: x\n\n").enhanced == "5.6.7"

    def test_what_it_can_take_is_announced(self) -> None:
        letter = "Subject: ä\r\n\r\nö\r\n".encode()
        envelope = envelope_for("ä@bücher.example", ["bob@bücher.example"], letter)
        talk = """
            C: MAIL FROM:<ä@bücher.example> SIZE=19 BODY=8BITMIME SMTPUTF8
            C: RCPT TO:<bob@xn--bcher-kva.example>
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 354 go on
            C: Subject: ä
            C:
            C: ö
            C: .
            S: 250 ok
        """
        one = "PIPELINING SIZE 8BITMIME SMTPUTF8"
        assert converse(lambda: smtp.send(conversation(CLEAR, one), envelope, letter), talk).accepted

    def test_what_is_no_address(self) -> None:
        for sender, to in (("ada", "bob@x.org"), ("ada@x.org", "bob@x.org\r\nRCPT TO:<eve@x.org>"), ("ada@x.org", "")):
            with pytest.raises(InvalidMessage):
                envelope_for(sender, [to], LETTER)

    def test_a_recipient_gets_one_copy(self) -> None:
        envelope = envelope_for("ada@x.org", ["Bob <bob@x.org>", "bob@x.org"], LETTER)
        assert [str(one) for one in envelope.recipients] == ["bob@x.org"]


@pytest.mark.parametrize("answer", ["S: 221 bye", "CLOSE", "SILENCE", "S: nonsense", "S: 421 4.4.2 too slow"])
def test_leaving_never_fails(answer: str) -> None:
    converse(lambda: smtp.quit(conversation()), f"C: QUIT\n{answer}")


@pytest.mark.parametrize("answer", ["SILENCE", "CLOSE", "S: what", "S: 250-more\nCLOSE"])
def test_whatever_the_server_does_is_an_error_of_ours(answer: str) -> None:
    with pytest.raises(PosthouseError):
        converse(send(""), f"C: {MAIL}\n{answer}")
