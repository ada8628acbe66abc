"""Libraries that programs are written with do a day's work: list, read, flag, delete, file, and wait for news.

They are imported where they are used: `make setup` doesn't install them, and `make test` reads this file too.
"""

from __future__ import annotations

import asyncio
import imaplib
import json
from pathlib import Path

import pytest

from foreign_house import BOB, PASSWORD, ForeignHouse
from programs import NODE_MODULES, run

pytestmark = pytest.mark.foreign


def check(house: ForeignHouse) -> None:
    """The first letter was read and flagged, the second deleted, the third filed."""
    assert house.letters() == {"letter 1": "\\Flagged \\Seen"}
    assert house.letters("Archive") == {"letter 3": ""}


def test_imaplib(house: ForeignHouse) -> None:
    with imaplib.IMAP4_SSL("localhost", house.port, ssl_context=house.live.tls) as client:
        assert client.login(BOB, PASSWORD)[0] == "OK"
        assert client.select("INBOX") == ("OK", [b"3"])
        assert b"Number 1" in client.fetch("1", "(RFC822)")[1][0][1]
        client.store("1", "+FLAGS", "\\Flagged")
        assert client.search(None, "UNSEEN", "SUBJECT", '"letter 3"')[1] == [b"3"]
        assert client.uid("MOVE", "3", "Archive")[0] == "OK"
        client.store("2", "+FLAGS", "\\Deleted")
        assert b"2" in client.expunge()[1]
        assert client.append("Drafts", "(\\Draft)", imaplib.Time2Internaldate(0), b"Subject: a\r\n\r\nb\r\n")[0] == "OK"
    check(house)
    assert house.letters("Drafts") == {"a": "\\Draft"}


def test_imapclient(house: ForeignHouse) -> None:
    from imapclient import IMAPClient

    with IMAPClient("localhost", house.port, ssl_context=house.live.tls) as client:
        client.login(BOB, PASSWORD)
        assert (b"\\HasNoChildren", b"\\Archive") in [flags for flags, _, _ in client.list_folders()]
        assert client.select_folder("INBOX")[b"EXISTS"] == 3
        fetched = client.fetch([1], ["ENVELOPE", "BODY[TEXT]", "INTERNALDATE"])
        assert fetched[1][b"ENVELOPE"].subject == b"letter 1" and fetched[1][b"BODY[TEXT]"] == b"Number 1\r\n"
        client.add_flags([1], [b"\\Flagged"])
        client.move(client.search(["SUBJECT", "letter 3"]), "Archive")
        client.delete_messages([2])
        client.uid_expunge([2])
        client.create_folder("Entwürfe/neu")
        assert client.folder_exists("Entwürfe/neu")
        client.idle()
        with IMAPClient("localhost", house.port, ssl_context=house.live.tls) as other:
            other.login(BOB, PASSWORD)
            other.append("INBOX", b"Subject: new\r\n\r\nnew\r\n")
        assert (2, b"EXISTS") in client.idle_check(timeout=5)
        client.idle_done()
        client.delete_messages([4])
        client.expunge([4])
        assert client.get_quota_root("INBOX")[0].quota_roots == []
    check(house)


def test_imap_tools(house: ForeignHouse) -> None:
    import imap_tools

    with imap_tools.MailBox("localhost", house.port, ssl_context=house.live.tls).login(BOB, PASSWORD) as box:
        letters = list(box.fetch(mark_seen=False, bulk=True))
        assert [letter.subject for letter in letters] == ["letter 1", "letter 2", "letter 3"]
        (one,) = box.fetch(imap_tools.AND(subject="letter 1"))
        assert one.text == "Number 1\r\n" and one.uid == "1"
        box.flag("1", imap_tools.MailMessageFlags.FLAGGED, True)
        box.move("3", "Archive")
        box.delete("2")
        assert {folder.name for folder in box.folder.list()} >= {"INBOX", "Archive", "Trash"}
        assert box.folder.status("INBOX")["MESSAGES"] == 1
    check(house)


def test_aioimaplib(house: ForeignHouse) -> None:
    import aioimaplib

    async def work() -> None:
        gone = asyncio.Event()
        client = aioimaplib.IMAP4_SSL("localhost", house.port, ssl_context=house.live.tls)
        client.protocol.conn_lost_cb = lambda _: gone.set()
        await client.wait_hello_from_server()
        assert (await client.login(BOB, PASSWORD)).result == "OK"
        assert (await client.select("INBOX")).result == "OK"
        letter = await client.fetch("1", "(RFC822)")
        assert b"Number 1" in letter.lines[1]
        await client.store("1", "+FLAGS", "\\Flagged")
        assert (await client.uid("move", "3", "Archive")).result == "OK"
        await client.store("2", "+FLAGS", "\\Deleted")
        assert (await client.expunge()).result == "OK"
        idle = await client.idle_start(timeout=10)
        await asyncio.to_thread(house.letters)
        client.idle_done()
        await asyncio.wait_for(idle, 5)
        await client.logout()
        await asyncio.wait_for(gone.wait(), 5)  # it leaves closing to the server, and without that a socket open

    asyncio.run(work())
    check(house)


IMAPFLOW = """
const { ImapFlow } = require('imapflow');
(async () => {
  const client = new ImapFlow({ host: 'localhost', port: %d, secure: true, logger: false,
    auth: { user: '%s', pass: '%s' } });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  const told = { exists: client.mailbox.exists, letters: [] };
  for await (const one of client.fetch('1:*', { envelope: true, bodyStructure: true, threadId: true }))
    told.letters.push([one.envelope.subject, one.bodyStructure.type, one.emailId]);
  const { content } = await client.download('1', '1', { uid: true });
  told.text = ''; for await (const chunk of content) told.text += chunk;
  await client.messageFlagsAdd('1', ['\\\\Flagged', '\\\\Seen']);
  told.moved = await client.messageMove(await client.search({ subject: 'letter 3' }, { uid: true }), 'Archive',
    { uid: true });
  await client.messageDelete({ subject: 'letter 2' });
  lock.release();
  await client.logout();
  const plain = (_, value) => typeof value === 'bigint' ? Number(value)
    : value instanceof Map ? Object.fromEntries(value) : value;
  console.log(JSON.stringify(told, plain));
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_imapflow(house: ForeignHouse, tmp_path: Path) -> None:
    """It compresses where it can."""
    script = tmp_path / "work.js"
    script.write_text(IMAPFLOW % (house.port, BOB, PASSWORD), "utf-8")
    told = json.loads(run("node", str(script), NODE_PATH=str(NODE_MODULES), NODE_EXTRA_CA_CERTS=house.certificate))
    assert told["exists"] == 3 and told["text"].strip() == "Number 1"
    assert [one[:2] for one in told["letters"]] == [[f"letter {number}", "text/plain"] for number in (1, 2, 3)]
    assert told["moved"]["uidMap"] == {"3": 1}
    check(house)
