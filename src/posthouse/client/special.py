"""Mailboxes for a special use: Sent, Trash and the like (RFC 6154), also where a server doesn't mark them."""

from __future__ import annotations

from collections.abc import Iterable

from posthouse.imap.answer import Listed

# What a mailbox for a special use is called where the account has none and one is needed.
NAMES = {
    "\\Archive": "Archive", "\\Drafts": "Drafts", "\\Junk": "Junk", "\\Sent": "Sent", "\\Trash": "Trash",
}  # fmt: skip
# Names of the Sent, Drafts, Trash, Junk and Archive mailboxes where the server doesn't mark them (RFC 6154): what the
# common mail programs call them in the languages of their authors' most users.
SPECIAL_NAMES = {
    "\\Sent": (
        "sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete objekte", "gesendete elemente",
        "envoyés", "éléments envoyés", "messages envoyés", "enviados", "elementos enviados", "posta inviata", "inviati",
        "verzonden", "verzonden items", "отправленные", "wysłane", "已发送", "送信済み",
    ),
    "\\Archive": ("archive", "archives", "archiv", "archivo", "archivio", "archief", "архив", "archiwum"),
    "\\Drafts": (
        "drafts", "draft", "entwürfe", "brouillons", "borradores", "bozze", "concepten", "черновики", "szkice",
        "草稿箱", "下書き",
    ),
    "\\Junk": (
        "junk", "spam", "junk e-mail", "junk email", "bulk mail", "unerwünscht", "courrier indésirable", "pourriel",
        "correo no deseado", "posta indesiderata", "ongewenst", "спам", "垃圾邮件", "迷惑メール",
    ),
    "\\Trash": (
        "trash", "deleted", "deleted items", "deleted messages", "bin", "papierkorb", "gelöscht", "gelöschte elemente",
        "corbeille", "éléments supprimés", "papelera", "elementos eliminados", "cestino", "prullenbak",
        "verwijderde items", "корзина", "kosz", "已删除", "ゴミ箱",
    ),
}  # fmt: skip

# To archive is to keep no label but this one.
GMAIL = ("[Gmail]/", "[Google Mail]/")


def special_mailbox(listed: Iterable[Listed], use: str) -> Listed | None:
    """The mailbox for a special use (``\\Sent``, RFC 6154 §2): the one that the server marks so, or else calls so."""
    names = SPECIAL_NAMES.get(use, ())
    likely: list[tuple[int, Listed]] = []
    for one in listed:
        attributes = {attribute.lower() for attribute in one.attributes}
        if attributes & {"\\noselect", "\\nonexistent"}:
            continue
        if use.lower() in attributes:
            return one
        if use == "\\Archive" and "\\all" in attributes and one.name.startswith(GMAIL):
            return one
        last = one.name.rpartition(one.delimiter)[2] if one.delimiter else one.name
        if last.casefold() in names:
            likely.append((names.index(last.casefold()), one))
    return min(likely, key=lambda pair: pair[0])[1] if likely else None
