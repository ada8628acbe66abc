"""What lies in Ada's mailboxes on the morning on which the mail program is tried, and looked at."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from posthouse.cli.picture import envelope
from posthouse.client.message import Message
from posthouse.message.summary import summarize
from posthouse.store import account, intake, mailbox
from posthouse.store.engine import Store
from store_helpers import keep

ADA = "Ada Lovelace <ada@example.org>"
HOUR, DAY = 3_600, 86_400
GAZETTE = """<html><head><style>h1{font-family:Georgia,serif;color:#7a1f1f;margin:0 0 .5em}</style></head><body>
<table width="100%" cellpadding="20" bgcolor="#fffdf5"><tr><td><h1>The Analytical Gazette</h1>
<img src="cid:cover" width="240" height="160" alt="A sealed envelope"><p>This month: <a
href="https://gazette.example/looms">looms that weave <b>algebraical patterns</b></a>, a recipe for brass polish, and
letters of readers.</p><p><img src="https://tracker.example/pixel.gif?reader=ada" width="480" height="120"
alt="An advertisement"></p><p>Your subscription ends in spring.</p>
<script>document.title = "owned"; top.document.title = "owned"</script>
<img src="x" onerror="top.document.title='owned'">
</td></tr></table></body></html>"""
SUBJECTS = (
    "On the calculus of finite differences", "Cards for the loom", "Your subscription to the Society", "Re: Note G",
    "Tables of Bernoulli numbers", "The carriage leaves at nine", "A question about the mill", "Minutes of Tuesday",
    "Brass, second delivery", "Invitation: an evening of experiments",
)  # fmt: skip
PEOPLE = (
    "Mary Somerville <mary@example.net>", "Michael Faraday <faraday@royal.example>", "De Morgan <adm@ucl.example>",
    "Luigi Menabrea <luigi@torino.example>", "Charles Wheatstone <cw@kings.example>",
    "The Royal Society <news@royal.example>",
)  # fmt: skip


def fill(data: Path, more: int = 120) -> None:
    """Put it there; ``more``: older letters below the ones of these days."""
    store = Store.open(data)
    owner = store.look(account.existing, "ada@example.org").id

    def put(message: Message, box: str = "INBOX", flags: Iterable[str] = (), ago: int = 0) -> None:
        raw = bytes(message)
        target = intake.Target(store.look(mailbox.existing, owner, box).id, frozenset(flags))
        received = int(time.time()) - ago
        store.run(intake.append, keep(store, raw), summarize(raw), [target], received=received)

    question = Message(
        from_="Charles Babbage <charles@engine.example>",
        to=ADA,
        subject="The mill and the store",
        text="Dear Ada,\n\nI have redrawn the mill: https://engine.example/plans/mill.html shows it.\n\n"
        "What do you think of the carriage?\n\nYours\nCharles\n",
    )
    named = {"In-Reply-To": question.message_id, "References": question.message_id}
    put(question, flags=["\\Seen", "\\Answered"], ago=2 * DAY)
    put(
        Message(
            from_=ADA,
            to="Charles Babbage <charles@engine.example>",
            subject="Re: The mill and the store",
            headers=named,
            text="Dear Charles,\n\nit carries! I would only shorten the rods.\n\nOn Tuesday Charles Babbage wrote:\n"
            "> I have redrawn the mill.\n> What do you think of the carriage?\n> Yours\n> C.\n\n-- \nAda Lovelace\n",
        ),
        "Sent",
        ["\\Seen"],
        DAY,
    )
    put(
        Message(
            from_="Charles Babbage <charles@engine.example>",
            to=ADA,
            cc="Mary Somerville <mary@example.net>",
            subject="Re: The mill and the store",
            headers=named,
            text="Shorter rods it is. The brass founder has answered; here are his drawing and the invoice.\n\n"
            "On Wednesday Ada Lovelace wrote:\n> it carries! I would only shorten the rods.\n> Ada\n> (from afar)\n",
            files=[("drawing.png", envelope()), ("invoice.pdf", PDF)],
        ),
        flags=["\\Flagged"],
        ago=2 * HOUR,
    )
    put(
        Message(
            from_="The Analytical Gazette <news@gazette.example>",
            to=ADA,
            subject="Looms that weave algebra ✉",
            text="Looms that weave algebra",
            html=GAZETTE,
            headers={"List-Unsubscribe": "<https://gazette.example/off>"},
            inline={"cover": ("cover.png", envelope())},
        ),
        ago=HOUR // 2,
    )
    put(
        Message(
            from_="Mary Somerville <mary@example.net>",
            to=ADA,
            subject="Supper on Friday?",
            text="Dear Ada,\n\nwill you come on Friday? There is a comet to be seen from the roof, "
            "if the clouds allow.\n\nMary\n",
        ),
        ago=5 * HOUR,
    )
    put(
        Message(
            from_="Michael Faraday <faraday@royal.example>",
            to=ADA,
            subject="Lecture notes",
            text="As promised. The coil behaves.\n",
            files=[("Notes on induction.txt", b"Notes\n" * 50)],
        ),
        flags=["\\Seen", "Society"],
        ago=DAY,
    )
    put(
        Message(
            from_=ADA, to="Luigi Menabrea <luigi@torino.example>", subject="Note G", text="The operating mechanism…"
        ),
        "Drafts",
        ["\\Draft", "\\Seen"],
        HOUR,
    )
    for number in range(more):
        subject = f"{SUBJECTS[number % len(SUBJECTS)]}, {number // len(SUBJECTS) + 1}"
        text = f"This is letter {number + 1} of the correspondence. It has been read to the end.\n"
        flags = ["\\Seen"] if number % 9 else []
        put(
            Message(from_=PEOPLE[number % len(PEOPLE)], to=ADA, subject=subject, text=text),
            flags=flags,
            ago=2 * DAY + number * 5 * HOUR,
        )
    store.close()


PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length 44>>stream
BT /F 18 Tf 40 120 Td (Invoice: brass) Tj ET
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
