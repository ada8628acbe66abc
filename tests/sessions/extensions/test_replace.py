"""REPLACE: RFC 8508 §3.2, §3.3 and §4.2, example by example."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store import mail
from store_helpers import House

HEAD = b"\r\n".join([
    b"Date: Thu, 1 Jan 2015 00:05:00 -0500 (EST)",
    b"From: Fritz Schmidt <fritz.ze@example.org>",
    b"Subject: happy new year !!",
    b"To: miss.mitzy@example.org",
    b"Message-Id: <B238822388-0100000@example.org>",
    b"MIME-Version: 1.0",
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII",
    b"",
    b"Just saw the best fireworks show. Wish you were here.",
    b"",
])  # fmt: skip
MORE = HEAD + b"Hopefully next year you can join us.\r\n"
PICTURE = b"\r\n".join([
    b"Date: Thu, 1 Jan 2015 00:10:00 -0500 (EST)",
    b"From: Fritz Schmidt <fritz.ze@example.org>",
    b"Message-ID: <B238822388-0100003@example.org>",
    b"MIME-Version: 1.0",
    b"Content-Type: multipart/mixed;",
    b'        boundary="------------030305060306060609050804"',
    b"",
    b"--------------030305060306060609050804",
    b"Content-Type: text/plain; charset=utf-8; format=flowed",
    b"Content-Transfer-Encoding: 7bit",
    b"",
    b"Here is picture from the fireworks",
    b"",
    b"Yours...",
    b"Fritz",
    b"",
    b"--------------030305060306060609050804",
    b"Content-Type: image/jpeg;",
    b'        name="Fireworks.jpg"',
    b"Content-Transfer-Encoding: base64",
    b"Content-Disposition: attachment;",
    b'        filename="Fireworks.jpg"',
    b"",
    b"/9j/4AAQSkZJRgABAQ==",
    b"",
    b"--------------030305060306060609050804--",
    b"",
])  # fmt: skip
TO = b"To: Mitzy <miss.mitzy@example.org>\r\nSubject: My view of the fireworks\r\n"


def test_replace_and_uid_replace(talk: Conversation, house: House) -> None:
    """With the literal waited for, as it stands there. What is told of the selected mailbox may come in any order."""
    drafts = house.box(talk.account, "Drafts")
    house.fill(drafts, 4)
    talk.run("""
        1: a SELECT Drafts
        1< ...
        1< a OK...
    """)
    assert talk.say(b"A003 REPLACE 4 Drafts (\\Seen \\Draft) {%d}\r\n" % len(HEAD)) == ["+ go on"]
    told = talk.say(HEAD + b"\r\n")
    assert told[0].startswith(f"* OK [APPENDUID {drafts.uidvalidity} 5] ")
    assert sorted(told[1:]) == ["* 1 RECENT", "* 4 EXISTS", "* 4 EXPUNGE", "A003 OK REPLACE completed"]
    assert talk.say(b"A004 UID REPLACE 5 Drafts (\\Seen \\Draft) {%d}\r\n" % len(MORE)) == ["+ go on"]
    told = talk.say(MORE + b"\r\n")
    assert told[0].startswith(f"* OK [APPENDUID {drafts.uidvalidity} 6] ")
    assert told[-1] == "A004 OK REPLACE completed"
    told = talk.say("f FETCH 4 (UID FLAGS BODY.PEEK[TEXT])")
    assert told[0].startswith("* 4 FETCH (UID 6 FLAGS (\\Recent \\Draft \\Seen) BODY[TEXT] {")
    assert told[2:4] == ["Hopefully next year you can join us.", ")"]


def test_with_catenate(talk: Conversation, house: House) -> None:
    """§4.2: a draft with a picture is completed, without the picture being sent again."""
    drafts = house.box(talk.account, "Drafts")
    talk.say("a SELECT Drafts")
    talk.say(b"A010 APPEND Drafts (\\Seen \\Draft) {%d}\r\n" % len(PICTURE))
    assert f"A010 OK [APPENDUID {drafts.uidvalidity} 1]" in talk.say(PICTURE + b"\r\n")[-1]
    assert talk.say(b"A011 UID REPLACE 1 Drafts CATENATE (TEXT {%d}\r\n" % len(TO)) == ["+ go on"]
    told = talk.say(TO + b' URL "/Drafts/;UID=1")\r\n')
    assert told[0].startswith(f"* OK [APPENDUID {drafts.uidvalidity} 2] ")
    assert told[-1] == "A011 OK REPLACE completed"
    ((_, blob, size),) = house.store.look(mail.fetch, drafts.id, [(1, 9)], ["blob", "size"])
    assert house.store.blobs.read(blob, 0, size) == TO + PICTURE
