"""What reading a message promises, for any octets: checked by hypothesis and by the fuzzer."""

from __future__ import annotations

from parenthesized import read
from posthouse.message import header, mime, section, structure, summary
from posthouse.message.message import ParsedMessage
from posthouse.message.mime import Part

# What letters are made of, sound and unsound.
PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\n", b'Content-Type: multipart/alternative; boundary="b-1"\n',
    b"Content-Type: message/rfc822\n", b"Content-Type: text/html; charset=utf-7\n", b"Content-Type: image/png\n",
    b"Content-Type: text/plain; format=flowed\n", b"Content-Type: multipart/related\n",
    b"Content-Type: multipart/digest; boundary=b-1\n",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Transfer-Encoding: x-uuencode\n", b"Content-Disposition: attachment; filename*0*=utf-8''%ff\n",
    b"From: a <b@c>, g: d@e;\n", b"To: \"\xc3\xbc\" <\xff@x>\n", b"Subject: =?utf-8?q?=c3?= =?utf-8?b?vA==?= x\n",
    b"Date: Mon, 16 Mar 2009 12:00:00 +0100\n", b"References: <a> <b\n", b"From x\n", b"Content-Type: text/x; =\n",
    b"\n", b"\r\n", b"\n\n", b"\r", b"\0", b" ", b"\t", b"--b\n", b"--b--\n", b"--b-1\n", b"--b-1--\n", b"--b\r\n",
    b"text\n", b"aGVsbG8=\n", b"=C3=\n", b"begin 644 x\n", b"%:&5L;&\\\n", b"end\n", b"> q \n", b"<p>&#9;</p>",
    b"\xff\xfe",
]  # fmt: skip
# What a hostile letter may consist of, many thousand times.
UNITS = [
    b"a", b"a: b\n", b"a\n", b"\n", b" ", b"\r", b"\r\n", b"\0", b"-", b"\n-", b"\n--", b"\n---", b"\n--b", b"\n---x",
    b"a:\n ", b"a:b\njunk\n", b"From x\n", b";", b"a;", b"a=", b'a="', b"a*0=x;", b"(", b"(a)", b")", b'"', b"\\",
    b"<", b">", b"<a>", b"a@b,", b"a:;", b"a<", b"=?", b"=?a?q?", b"=?a?q?b?= ", b"=?utf-8?b?w6?=", b"[", b"Re:",
    b"[a]", b"<!--", b"<a ", b'<a "', b"<div>", b"<pre>", b"<script>", b"&", b"&#", b"=", b"==",
    b"= ", b"=\r", b"a ", b" \n", b"> ", b"begin 644 x\n", b"begin 644 x\nM\n", b"\xff", b"\xc3\xbc",
    b"+2AA-", b"\x1b$B",
]  # fmt: skip


def check(raw: bytes) -> None:
    """AssertionError, or whatever else is raised, if a promise doesn't hold for ``raw``."""
    tree = mime.scan(raw)
    assert (tree.start, tree.end) == (0, len(raw))
    _check_offsets(tree)
    _check_wire(tree, raw)
    message = ParsedMessage(raw)
    for name in ("subject", "from_", "sender", "to", "cc", "bcc", "reply_to", "date", "message_id", "in_reply_to",
                 "references", "text", "html", "report", "defects"):  # fmt: skip
        getattr(message, name)
    for file in message.attachments:
        assert file.size == len(file.content)
        assert file.filename and "/" not in file.filename
    _check_text(message, raw)


def _check_offsets(part: Part) -> None:
    """Children lie in their parent's body, in order, without overlap."""
    assert part.start <= part.body <= part.end
    at = part.body
    for child in part.children:
        assert at <= child.start <= child.end <= part.end
        _check_offsets(child)
        at = child.end
    assert bool(part.children) or part.type != "multipart"


def _check_wire(tree: Part, raw: bytes) -> None:
    """What goes to IMAP clients is legal, and the same from a stored tree."""
    envelope = read(structure.envelope(tree))
    assert isinstance(envelope, list) and len(envelope) == 10
    assert read(structure.body(tree))
    assert read(structure.bodystructure(tree))
    copy = mime.unpack(mime.pack(tree), raw)
    assert structure.structures(copy) == structure.structures(tree)
    for number, child in enumerate(tree.children if tree.type == "multipart" else (), 1):
        assert section.find(tree, (number,)) == (child.body, child.end)
        assert section.find(tree, (number,), "MIME") == (child.start, child.body)
    names = [name for name, _ in tree.fields]
    if all(name.isascii() for name in names) and len(names) < header.MAX_FIELDS:
        whole = section.header_fields(raw, tree.start, tree.body, names)
        assert whole == section.header_fields(raw, tree.start, tree.body, [], exclude=True)


def _check_text(message: ParsedMessage, raw: bytes) -> None:
    """All text can be stored and sent: no half surrogate pairs, no NUL."""
    found = summary.summarize(raw)
    texts = [message.text, message.html or "", found.preview, found.subject, found.from_, found.to]
    texts += summary.search_text(raw, message.tree)
    for text in texts:
        text.encode("utf-8")
        assert "\0" not in text
    assert "\n" not in found.subject + found.preview + found.to
    for _, value in message.headers:
        assert "\n" not in value and "\0" not in value
