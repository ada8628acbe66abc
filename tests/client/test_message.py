"""`Message`: what is written is what is read; copies, answers, forwarded letters; files in and out."""

from __future__ import annotations

import email
import email.policy
import io
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse import Message, parse
from posthouse.client.attachment import save_new
from posthouse.errors import InvalidMessage
from posthouse.message.address import Address

DATE = datetime(2009, 3, 16, 12, 0, tzinfo=UTC)


def written(**fields: object) -> Message:
    given = {"from_": "Ann <ann@x.org>", "to": "bob@x.org", "date": DATE, "message_id": "<1@x.org>", **fields}
    return Message(**given)  # type: ignore[arg-type]


# -- made from its parts --------------------------------------------------------------------------------------------


def test_what_is_written_is_what_is_read() -> None:
    message = written(
        to=["Bob Ö <bob@x.org>", Address("", "cat", "x.org")],
        cc="dan@x.org, Eve <eve@x.org>",
        bcc="fay@x.org",
        reply_to="list@x.org",
        subject="Grüße",
        text="Hi\n",
        html="<p>Hi <img src='cid:logo'></p>\n",
        files=[("Bericht März.pdf", b"%PDF")],
        inline={"logo": ("logo.png", b"\x89PNG")},
        headers={"X-Note": "schön"},
    )
    for letter in (message, parse(bytes(message))):
        assert [str(one) for one in letter.from_] == ["Ann <ann@x.org>"]
        assert [one.display for one in letter.to] == ["Bob Ö <bob@x.org>", "cat@x.org"]
        assert [one.addr for one in letter.cc] == ["dan@x.org", "eve@x.org"]
        assert [one.addr for one in letter.reply_to] == ["list@x.org"]
        assert (letter.subject, letter.text, letter.date) == ("Grüße", "Hi\n", DATE)
        assert letter.html == "<p>Hi <img src='cid:logo'></p>\n"
        assert letter.message_id == "<1@x.org>"
        assert letter.headers.get("x-note") == "schön"
        assert letter.defects == ()
        logo, file = letter.attachments
        assert (logo.filename, logo.type, logo.content, logo.cid, logo.inline) == (
            "logo.png", "image/png", b"\x89PNG", "logo", True,
        )  # fmt: skip
        assert (file.filename, file.type, file.content, file.size, file.inline) == (
            "Bericht März.pdf", "application/pdf", b"%PDF", 4, False,
        )  # fmt: skip
    assert [one.addr for one in message.bcc] == ["fay@x.org"]
    assert b"fay" not in bytes(message)
    assert b"\r\nBcc: fay@x.org\r\n" in message.as_bytes(bcc=True)
    assert [one.addr for one in message.recipients] == ["bob@x.org", "cat@x.org", "dan@x.org", "eve@x.org", "fay@x.org"]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1, max_size=60)
FILENAMES = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters='/\\<>:"|?*.'), min_size=1, max_size=40
)
BODIES = st.lists(TEXT, max_size=6).map(lambda lines: "\n".join(["Hello", *lines, ""]))


@settings(max_examples=100, deadline=None)
@given(
    subject=NAMES | st.lists(NAMES, min_size=1, max_size=8).map(" ".join),
    name=NAMES,
    text=BODIES,
    html=BODIES,
    filename=FILENAMES,
    content=st.binary(max_size=200),
    eight_bit=st.booleans(),
)
def test_any_letter_comes_back(
    subject: str, name: str, text: str, html: str, filename: str, content: bytes, eight_bit: bool
) -> None:
    filename = f"f{filename}.dat"  # never the name of a device
    message = Message(
        from_=Address(name, "ann", "x.org"), to="b@x.org", subject=subject, text=text, html=html,
        files=[(filename, content)],
    )  # fmt: skip
    octets = message.as_bytes(eight_bit=eight_bit, smtputf8=eight_bit)
    assert octets.isascii() or eight_bit
    read = parse(octets)
    assert (read.subject, read.from_[0].name, read.text, read.html) == (subject, name, text, html)
    assert [(file.filename, file.content) for file in read.attachments] == [(filename, content)]
    assert read.defects == ()
    other = email.message_from_bytes(octets, policy=email.policy.default)
    assert not any(part.defects for part in other.walk())


def test_date_and_message_id_are_set_and_stay() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    message = Message(from_="ann@müller.example", to="b@x.org")
    assert message.date is not None
    assert before <= message.date <= datetime.now(UTC)
    assert message.date.utcoffset() == datetime.now().astimezone().utcoffset()
    assert re.fullmatch(r"<[0-9a-f]{32}@xn--mller-kva\.example>", message.message_id)
    assert bytes(message) == bytes(message)
    assert Message(from_="a@x.org").message_id != Message(from_="a@x.org").message_id
    assert written(date=datetime(2009, 1, 1)).date == datetime(2009, 1, 1).astimezone()


def test_text_is_made_where_it_is_missing() -> None:
    assert (
        written(html="<h1>Hi</h1><p>See <a href='https://x.org/'>this</a>").text == "Hi\n\nSee this <https://x.org/>\n"
    )
    message = written(markdown="# Hi\n\n*there*\n")
    assert (message.text, message.html) == ("# Hi\n\n*there*\n", "<h1>Hi</h1>\n<p><em>there</em></p>\n")
    assert written(text="plain").html is None
    with pytest.raises(InvalidMessage, match="not in both"):
        written(markdown="a", html="b")


def test_raw_html_in_markdown_is_text() -> None:
    assert "<script>" not in str(written(markdown="<script>alert(1)</script>").html)


def test_a_letter_from_nobody_is_not_sent_but_can_be_read() -> None:
    message = Message(to="b@x.org", subject="s")
    assert message.subject == "s"
    with pytest.raises(InvalidMessage, match="who it is from"):
        message.as_bytes()
    assert bytes(message.replace(from_="a@x.org")).startswith(b"From: a@x.org\r\n")


def test_replace_keeps_the_rest() -> None:
    message = written(text="t", bcc="c@x.org")
    other = message.replace(to="d@x.org", subject="new", bcc=())
    assert (other.subject, other.text, other.message_id, other.date) == ("new", "t\n", "<1@x.org>", DATE)
    assert [one.addr for one in other.recipients] == ["d@x.org"]
    assert [one.addr for one in message.recipients] == ["bob@x.org", "c@x.org"]


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "nobody"}, {"to": "a@x.org, nobody"}, {"to": "a@x.org\r\nBcc: b@x.org"}, {"cc": ["a@x.org", "a b"]},
        {"subject": "a\nb"}, {"headers": {"X-A": "b\r\nX-B: c"}}, {"message_id": "none"}, {"message_id": "<a\r\n@b>"},
        {"from_": "Ann\nBob <a@x.org>"}, {"files": [("a\nb.txt", b"")]}, {"inline": {"a>b": ("x.png", b"")}},
    ],
)  # fmt: skip
def test_what_cannot_be_in_a_letter_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidMessage):
        written(**fields)


def test_empty_recipients_are_none() -> None:
    assert written(to="", cc=["", "c@x.org"]).recipients == (Address("", "c", "x.org"),)


# -- files ----------------------------------------------------------------------------------------------------------


def test_files_in_every_form(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n")
    with path.open("rb") as file:
        message = written(files=[path, str(path), ("b.csv", "ü"), ("c", b"2"), file])
    assert [(one.filename, one.type, one.content) for one in message.attachments] == [
        ("a.txt", "text/plain", b"one\n"), ("a.txt", "text/plain", b"one\n"), ("b.csv", "text/csv", "ü".encode()),
        ("c", "application/octet-stream", b"2"), ("a.txt", "text/plain", b"one\n"),
    ]  # fmt: skip
    for single in (path, str(path), ("a.txt", b"one\n")):
        assert [one.filename for one in written(files=single).attachments] == ["a.txt"]


def test_pictures_without_a_name_are_called_after_their_file() -> None:
    (picture,) = written(html="<img src='cid:my_logo.png'>", inline=[("my logo.png", b"x")]).attachments
    assert (picture.cid, picture.inline) == ("my_logo.png", True)


def test_types_are_guessed_from_names() -> None:
    names = ["a.PDF", "a.eml", "a.ics", "a.tar.gz", "a.docx", "noext", "a.unknown"]
    assert [one.type for one in written(files=[(name, b"A: b\r\n\r\n") for name in names]).attachments] == [
        "application/pdf", "message/rfc822", "text/calendar", "application/gzip",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/octet-stream",
        "application/octet-stream",
    ]  # fmt: skip


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidMessage, match=r"no file .*missing\.pdf") as caught:
        written(files=tmp_path / "missing.pdf")
    assert str(tmp_path) in caught.value.advice
    with pytest.raises(InvalidMessage, match="is a folder"):
        written(files=tmp_path)
    with pytest.raises(InvalidMessage, match="without a name"):
        written(files=io.BytesIO(b"x"))
    with tempfile.TemporaryFile() as file, pytest.raises(InvalidMessage, match="without a name"):
        written(files=[file])
    (tmp_path / "t.txt").write_text("x")
    with (tmp_path / "t.txt").open() as file, pytest.raises(InvalidMessage, match="opened as text"):
        written(files=[file])


def test_attachments_are_saved_and_nothing_is_overwritten(tmp_path: Path) -> None:
    raw = (
        b'Content-Type: application/pdf; name="../../etc/passwd"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n"
    )
    (file,) = parse(raw).attachments
    folder = tmp_path / "new" / "folder"
    assert file.save(folder) == folder / "passwd"
    assert file.save(folder) == folder / "passwd (2)"
    assert (folder / "passwd").read_bytes() == (folder / "passwd (2)").read_bytes() == b"%PDF"
    (folder / "link.txt").symlink_to(tmp_path / "outside")
    assert save_new(folder, "link.txt", [b"a", b"b"]).name == "link (2).txt"
    assert not (tmp_path / "outside").exists()
    assert save_new(folder, "..", [b""], "image/png").name == "attachment.png"
    assert save_new(folder, "x" * 300 + ".tar.gz", [b""]).name.endswith("x.gz")


def test_a_download_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    def chunks() -> object:
        yield b"half"
        raise OSError("cut off")

    with pytest.raises(OSError, match="cut off"):
        save_new(tmp_path, "a.txt", chunks())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_letter_is_saved_with_its_bcc(tmp_path: Path) -> None:
    message = written(bcc="c@x.org", text="t")
    assert message.save(tmp_path / "letter.eml").read_bytes() == message.as_bytes(bcc=True)
    raw = b"Subject: odd\nBcc: x\n\nbare\n"
    assert parse(raw).save(tmp_path / "letter.eml").read_bytes() == raw


# -- personal copies ------------------------------------------------------------------------------------------------


def test_copies_are_filled() -> None:
    message = written(
        subject="Hi {name}", text="Dear {name},\n{{name}} {count}",
        html="<p title='{name}'>{name} <style>p{margin:0}</style>",
        headers={"X-Id": "{count}"}, files=[("a.pdf", b"x" * 1000)],
    )  # fmt: skip
    one = message.fill(to="ann@y.org", name="Ann <b>", count=3)
    two = message.fill(to="bob@y.org", name="Bob & 'Co'", count=4, files=[("invoice.pdf", b"4")])
    assert (one.subject, one.text, [str(to) for to in one.to]) == (
        "Hi Ann <b>",
        "Dear Ann <b>,\n{name} 3\n",
        ["ann@y.org"],
    )
    assert one.html == "<p title='Ann &lt;b&gt;'>Ann &lt;b&gt; <style>p{margin:0}</style>\n"
    assert "title='Bob &amp; &#x27;Co&#x27;'" in str(two.html)
    assert (one.headers.get("X-Id"), two.headers.get("X-Id")) == ("3", "4")
    assert [file.filename for file in two.attachments] == ["a.pdf", "invoice.pdf"]
    assert len({one.message_id, two.message_id, message.message_id}) == 3
    assert message.subject == "Hi {name}"


def test_fields_in_markdown_links() -> None:
    message = written(markdown="[you]({base}/x?id={id}) {{id}}").fill(id="7&8", base="https://x.org")
    assert '<a href="https://x.org/x?id=7&amp;8">you</a> {id}' in str(message.html)
    assert "(https://x.org/x?id=7&8) {id}" in message.text


def test_a_field_without_a_value_is_an_error() -> None:
    with pytest.raises(InvalidMessage, match=r"subject .* field \{nmae\}") as caught:
        written(subject="Hi {nmae}").fill(name="Ann", mail="a")
    assert "mail, name" in caught.value.advice
    with pytest.raises(InvalidMessage, match="None"):
        written(text="{name}").fill(name=None)


def test_a_value_cannot_inject_a_header() -> None:
    with pytest.raises(InvalidMessage, match=r"field \{name\} in the subject holds a line break"):
        written(subject="Hi {name}").fill(name="Ann\r\nBcc: victim@x.org")
    with pytest.raises(InvalidMessage, match="header X-Id"):
        written(headers={"X-Id": "{id}"}).fill(id="a\nb")
    with pytest.raises(InvalidMessage):
        written().fill(to="a@x.org\r\nBcc: b@x.org")


def test_copies_share_their_attachments() -> None:
    message = written(text="{n}", files=[("a.bin", b"x" * 100_000)])
    copies = [message.fill(n=n) for n in range(10)]
    assert len({id(copy._composed().attachments[0].octets) for copy in copies}) == 1


# -- read from octets -----------------------------------------------------------------------------------------------


def test_a_letter_that_came_keeps_its_octets() -> None:
    raw = b"subject:  odd \nFrom: a@x.org\nTo: b@x.org, undisclosed\nBCC: secret@x.org,\n d@x.org\n\nbare\rCR \xff\n"
    message = parse(raw)
    assert bytes(message) == raw
    assert [one.addr for one in message.recipients] == ["b@x.org", "secret@x.org", "d@x.org"]
    assert message.needs_8bitmime
    assert not message.needs_smtputf8
    sent = message.as_bytes()
    assert sent.endswith(b"\r\n\r\nbare\r\nCR \xff\r\n")
    assert sent.startswith(b"subject:  odd \r\nFrom: a@x.org\r\nTo: b@x.org, undisclosed\r\nDate: ")
    assert re.search(rb"\r\nMessage-ID: <[0-9a-f]{32}@x\.org>\r\n", sent)
    assert b"secret" not in sent
    assert b"\r\nBCC: secret@x.org,\r\n d@x.org\r\n" in message.as_bytes(bcc=True)
    assert message.as_bytes() == sent


def test_a_letter_that_came_is_not_changed() -> None:
    for change in (lambda m: m.replace(subject="x"), lambda m: m.fill(name="x")):
        with pytest.raises(InvalidMessage, match="can't be changed"):
            change(parse(b"Subject: s\r\n\r\n"))


@given(st.binary(max_size=300))
def test_any_octets_are_read(raw: bytes) -> None:
    message = parse(raw)
    assert isinstance(message.subject + message.text + message.message_id + repr(message), str)
    assert all(file.filename for file in message.attachments)
    assert bytes(message) == raw


# -- answers --------------------------------------------------------------------------------------------------------

ORIGINAL = (
    b"From: Bob <bob@y.org>\r\nTo: ann@x.org, cat@y.org\r\nCc: dan@y.org\r\nSubject: Q3\r\nMessage-ID: <q@y.org>\r\n"
    b"References: <p@y.org>\r\nDate: Mon, 16 Mar 2009 12:00:00 +0000\r\n"
    b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: text/html\r\n\r\n<html><body><p>Hi <img src='cid:l@y'></body></html>\r\n"
    b"--r\r\nContent-Type: image/png\r\nContent-ID: <l@y>\r\n\r\nPNG\r\n--r--\r\n"
    b"--m\r\nContent-Type: text/csv; charset=latin1\r\nContent-Disposition: attachment; filename=t.csv\r\n\r\n\xfc"
    b"\r\n--m--\r\n"
)


def test_an_answer() -> None:
    answer = parse(ORIGINAL, mine="ann@x.org").reply("Thanks")
    assert [one.addr for one in answer.recipients] == ["bob@y.org"]
    assert [one.addr for one in answer.from_] == ["ann@x.org"]
    assert (answer.subject, answer.in_reply_to, answer.references) == (
        "Re: Q3",
        ("<q@y.org>",),
        ("<p@y.org>", "<q@y.org>"),
    )
    assert answer.text == "Thanks\n\nOn Mon, 16 Mar 2009 12:00:00 +0000, Bob <bob@y.org> wrote:\n> Hi\n"
    assert answer.html is None
    assert answer.attachments == ()


def test_an_answer_to_everybody() -> None:
    answer = parse(ORIGINAL).reply("Thanks", all=True, mine=["ann@x.org"], quote=False, files=[("a", b"")])
    assert [one.addr for one in answer.to] == ["bob@y.org"]
    assert [one.addr for one in answer.cc] == ["cat@y.org", "dan@y.org"]
    assert answer.text == "Thanks\n"
    assert [file.filename for file in answer.attachments] == ["a"]


def test_an_answer_in_html_shows_the_pictures_it_quotes() -> None:
    answer = parse(ORIGINAL).reply(html="<p>Thanks", from_="ann@x.org")
    assert str(answer.html).startswith("<p>Thanks<p>On Mon, 16 Mar 2009")
    assert "<p>Hi <img src='cid:l@y'></blockquote>" in str(answer.html)
    assert answer.text.startswith("Thanks\n\nOn Mon")
    assert [(file.cid, file.content) for file in answer.attachments] == [("l@y", b"PNG")]


def test_an_answer_to_my_own_letter_and_to_nobody() -> None:
    mine = written(to="bob@y.org", subject="s")
    assert [one.addr for one in mine.reply("t", from_="ann@x.org").to] == ["bob@y.org"]
    with pytest.raises(InvalidMessage, match="nobody to answer"):
        parse(b"Subject: s\r\n\r\n").reply("t")


def test_forwarded_within_the_text() -> None:
    forwarded = parse(ORIGINAL, mine="ann@x.org").forward("eve@x.org", "FYI")
    assert (forwarded.subject, [str(one) for one in forwarded.recipients]) == ("Fwd: Q3", ["eve@x.org"])
    assert [one.addr for one in forwarded.from_] == ["ann@x.org"]
    assert forwarded.text.startswith("FYI\n\n---------- Forwarded message ----------\nFrom: Bob <bob@y.org>\n")
    assert str(forwarded.html).startswith('<html><body><div style="white-space:pre-wrap">FYI</div>\n<p>---')
    assert [(file.filename, file.cid, file.inline, file.content) for file in forwarded.attachments] == [
        ("image.png", "l@y", True, b"PNG"), ("t.csv", "", False, b"\xfc"),
    ]  # fmt: skip
    assert b'text/csv; charset="latin1"; name="t.csv"' in forwarded.replace(from_="ann@x.org").as_bytes()


def test_forwarded_as_it_is() -> None:
    forwarded = parse(b"Bcc: secret@x.org\r\n" + ORIGINAL).forward("eve@x.org", attached=True, from_="ann@x.org")
    (file,) = forwarded.attachments
    assert (file.filename, file.type, file.content) == ("Q3.eml", "message/rfc822", ORIGINAL)
    assert forwarded.needs_8bitmime
    own = written(bcc="secret@x.org", text="t").forward("eve@x.org", attached=True)
    assert b"secret" not in own.attachments[0].content


def test_forwarded_inline_or_attached() -> None:
    letter = parse(ORIGINAL, mine="ann@x.org")
    for chosen, is_file in (
        ({}, False),
        ({"inline": True}, False),
        ({"inline": False}, True),
        ({"attached": True}, True),
    ):
        files = letter.forward("eve@x.org", "FYI", **chosen).attachments
        assert ([file.type for file in files] == ["message/rfc822"]) is is_file
    with pytest.raises(InvalidMessage, match="not both"):
        letter.forward("eve@x.org", inline=True, attached=True)


def test_strange_letters_can_be_answered_and_forwarded() -> None:
    raw = (
        b"From: =?utf-8?q?=0D=0ABcc:_x?= <a@y.org>, broken@, \xff <b@y.org>\r\nSubject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n"
        b"Message-ID: <a b\xff>\r\nReferences: <" + b"x" * 990 + b">\r\nContent-Type: m/ixed(; name=\"a\x00b\"\r\n"
        b"Content-ID: <a b>\r\nContent-Disposition: attachment\r\n\r\n<img src='cid:a'>\0"
    )  # fmt: skip
    for octets in (
        parse(raw).reply("x", all=True, from_="me@x.org").as_bytes(),
        parse(raw).forward("e@x.org", from_="me@x.org").as_bytes(),
        parse(raw).forward("e@x.org", from_="me@x.org", attached=True).as_bytes(),
    ):
        header = octets.partition(b"\r\n\r\n")[0]
        assert header.isascii()
        assert b"\nBcc:" not in header
        assert parse(octets).defects == ()


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_any_octets_can_be_forwarded(raw: bytes) -> None:
    for attached in (True, False):
        parse(parse(raw).forward("e@x.org", "x", from_="me@x.org", attached=attached).as_bytes())


def test_a_bounce_says_what_became_of_a_letter() -> None:
    raw = (
        b"Content-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/delivery-status\n\nA: b\n\n"
        b"Final-Recipient: rfc822; bob@y.org\nAction: failed\nStatus: 5.1.1\n--r\nContent-Type: message/rfc822\n\n"
        b"Message-ID: <m@x.org>\n\n--r--\n"
    )
    found = parse(raw).report
    assert found is not None and found.has_failed
    assert (found.about, [fate.recipient for fate in found.fates]) == ("<m@x.org>", ["bob@y.org"])
    assert parse(b"\n").report is None


# -- what users of other programs suffered from ---------------------------------------------------------------------


def test_aiosmtplib_94_cpython_122476_83938_an_address_is_never_an_encoded_word() -> None:
    """A domain becomes A-labels, a local part stays UTF-8 for SMTPUTF8: encoded, neither could be delivered."""
    domain = Message(from_="a@x.org", to="Jörg <j@müller.example>", text="t")
    assert b"\r\nTo: =?utf-8?b?SsO2cmc=?= <j@xn--mller-kva.example>\r\n" in domain.as_bytes()
    assert not domain.needs_smtputf8
    local = Message(from_="a@x.org", to="Jörg <jörg@müller.example>", text="t")
    assert "\r\nTo: =?utf-8?b?SsO2cmc=?= <jörg@müller.example>\r\n".encode() in local.as_bytes()
    assert local.needs_smtputf8
    assert parse(local.as_bytes()).to == local.to


def test_cpython_85195_116051_aiosmtpd_130_text_of_any_script_is_sent() -> None:
    letter = Message(from_="a@x.org", to="b@x.org", subject="grün", text="grün 漢字\n", html="<p>grün</p>\n")
    assert letter.as_bytes().isascii()
    for octets in (letter.as_bytes(), letter.as_bytes(eight_bit=True, smtputf8=True)):
        assert (parse(octets).subject, parse(octets).text, parse(octets).html) == (
            "grün", "grün 漢字\n", "<p>grün</p>\n",
        )  # fmt: skip


# -- the package ----------------------------------------------------------------------------------------------------


def test_a_script_that_only_reads_a_letter_loads_no_network() -> None:
    heavy = "'asyncio', 'ssl', 'socket', 'email', 'markdown_it'"
    program = f"import sys; from posthouse import parse; print([name for name in ({heavy}) if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout == "[]\n"
