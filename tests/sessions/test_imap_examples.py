"""What the standards' own examples say, held with a real store: the commands as they stand there."""

from __future__ import annotations

from imap_conversation import Conversation, check
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def create(talk: Conversation, *names: str) -> None:
    for name in names:
        assert talk.say(f'c CREATE "{name}"')[-1].startswith("c OK"), name


def test_saved_results(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5182 §2.1 and §2.4."""
    for subject, flags in (("one", ["\\Flagged"]), ("two", ["$Junk"]), ("three", ["\\Flagged"])):
        house.append(inbox, raw=letter(subject=subject), flags=flags)
    create(talk, "Other Messages")
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1: A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994
        1< A282 OK SEARCH completed
        1: A283 FETCH $ (UID FLAGS)
        1< * 1 FETCH (UID 1 FLAGS (\Flagged))
        1< * 3 FETCH (UID 3 FLAGS (\Flagged))
        1< A283 OK FETCH completed
        1: A301 UID SEARCH UID $ SMALLER 4096
        1< * SEARCH 1 3
        1< A301 OK SEARCH completed
        1: A302 UID SEARCH $ SMALLER 4096
        1< * SEARCH 1 3
        1< A302 OK SEARCH completed
        1: C285 SEARCH RETURN (MAX SAVE MIN) SINCE 12-Feb-2006
        1< * ESEARCH (TAG "C285") MIN 1 MAX 3
        1< C285 OK SEARCH completed
        1: C286 FETCH $ (UID)
        1< * 1 FETCH (UID 1)
        1< * 3 FETCH (UID 3)
        1< C286 OK FETCH completed
        1: H282 SEARCH RETURN (SAVE) KEYWORD $Nothing
        1< H282 OK SEARCH completed
        1: E283 COPY $ "Other Messages"
        1< E283 OK...
    """)


def test_saved_results_pipelined(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5182 §2.4, example 7: the result is used before it is known to the client."""
    house.append(inbox, flags=["$Junk"])
    house.append(inbox)
    house.append(inbox, flags=["$Junk"])
    create(talk, "Junk2")
    talk.say("s SELECT INBOX")
    told = talk.say(
        b"F282 SEARCH RETURN (SAVE) KEYWORD $Junk\r\n"
        b'F283 COPY $ "Junk2"\r\n'
        b"F284 STORE $ +FLAGS.Silent (\\Deleted)\r\n"
        b"F285 SEARCH DELETED\r\n"
    )
    check(
        told,
        ["F282 OK SEARCH completed", "F283 OK [COPYUID...", "F284 OK STORE completed", "* SEARCH 1 3", "F285 OK..."],
        "pipelined",
    )


def test_status_size(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 8438 §2: the sum is that of RFC822.SIZE."""
    sizes = []
    for body in ("a", "bc" * 200, ""):
        raw = letter(body=body)
        sizes.append(len(raw))
        house.append(inbox, raw=raw)
    talk.run(f"""
        1: A01 STATUS INBOX (MESSAGES SIZE UIDNEXT)
        1< * STATUS INBOX (MESSAGES 3 SIZE {sum(sizes)} UIDNEXT 4)
        1< A01 OK STATUS completed
        1: A02 SELECT "INBOX"
        1< ...
        1: A03 FETCH 1:* (RFC822.SIZE)
        1< * 1 FETCH (RFC822.SIZE {sizes[0]})
        1< * 2 FETCH (RFC822.SIZE {sizes[1]})
        1< * 3 FETCH (RFC822.SIZE {sizes[2]})
        1< A03 OK FETCH completed
    """)


def test_unselect(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 3691 §2: nothing is removed, and without a mailbox it is BAD."""
    house.append(inbox, flags=["\\Deleted"])
    talk.run("""
        1: A01 SELECT INBOX
        1< ...
        1: A341 UNSELECT
        1< A341 OK UNSELECT completed
        1: A342 UNSELECT
        1< A342 BAD...
        1: A343 STATUS INBOX (MESSAGES)
        1< * STATUS INBOX (MESSAGES 1)
        1< A343 OK STATUS completed
    """)


def test_id(talk: Conversation) -> None:
    """RFC 2971 §3.1: the client's own words, and NIL."""
    said = (
        'a023 ID ("name" "sodr" "version" "19.34" "vendor" "Pink Floyd Music Limited")',
        "a042 ID NIL",
    )
    for line in said:
        told = talk.say(line)
        assert told[0].startswith("* ID "), told
        assert told[-1].startswith(line.split()[0] + " OK"), told
    assert talk.say('a043 ID ("name")')[-1].startswith("a043 BAD")


def test_changes_of_a_mailbox_that_another_has_selected(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 §6.3.5, §6.3.6: DELETE and RENAME under a session; the other is never told wrong numbers."""
    create(talk, "Work")
    assert talk.say(b"a APPEND Work {3+}\r\nx\r\n\r\n")[-1].startswith("a OK")
    talk.say("s SELECT Work")
    talk.say("s SELECT INBOX", "2")
    assert talk.say("b RENAME Work Job", "2")[-1].startswith("b OK")
    assert talk.say("a FETCH 1 UID")[0] == "* 1 FETCH (UID 1)"
    assert talk.say("b DELETE Job", "2")[-1].startswith("b OK")
    assert talk.say("a NOOP") == ["* 1 EXPUNGE", "a OK NOOP completed"]
    assert talk.say("a FETCH 1 BODY[]")[-1].startswith("a BAD There is no message 1")
