"""The servers of the big providers, by the domain of a mail address."""

from __future__ import annotations

_GMX = ("smtps://mail.gmx.net", "imaps://imap.gmx.net")
_OUTLOOK = ("smtp://smtp-mail.outlook.com", "imaps://outlook.office365.com")
_YAHOO = ("smtps://smtp.mail.yahoo.com", "imaps://imap.mail.yahoo.com")
_ICLOUD = ("smtp://smtp.mail.me.com", "imaps://imap.mail.me.com")
_YANDEX = ("smtps://smtp.yandex.com", "imaps://imap.yandex.com")
_FASTMAIL = ("smtps://smtp.fastmail.com", "imaps://imap.fastmail.com")
_GMAIL = ("smtps://smtp.gmail.com", "imaps://imap.gmail.com")

# As the providers' own help pages name them. Implicit TLS wherever it is offered (RFC 8314 §3.3).
PROVIDERS: dict[str, tuple[str, str]] = {
    "163.com": ("smtps://smtp.163.com", "imaps://imap.163.com"),
    "aol.com": ("smtps://smtp.aol.com", "imaps://imap.aol.com"),
    "fastmail.com": _FASTMAIL,
    "fastmail.fm": _FASTMAIL,
    "gmail.com": _GMAIL,
    "gmx.at": _GMX,
    "gmx.ch": _GMX,
    "gmx.com": ("smtps://mail.gmx.com", "imaps://imap.gmx.com"),
    "gmx.de": _GMX,
    "gmx.net": _GMX,
    "googlemail.com": _GMAIL,
    "hotmail.com": _OUTLOOK,
    "icloud.com": _ICLOUD,
    "live.com": _OUTLOOK,
    "mac.com": _ICLOUD,
    "mail.ru": ("smtps://smtp.mail.ru", "imaps://imap.mail.ru"),
    "mailbox.org": ("smtps://smtp.mailbox.org", "imaps://imap.mailbox.org"),
    "me.com": _ICLOUD,
    "outlook.com": _OUTLOOK,
    "posteo.de": ("smtps://posteo.de", "imaps://posteo.de"),
    "qq.com": ("smtps://smtp.qq.com", "imaps://imap.qq.com"),
    "t-online.de": ("smtps://securesmtp.t-online.de", "imaps://secureimap.t-online.de"),
    "web.de": ("smtp://smtp.web.de", "imaps://imap.web.de"),
    "yahoo.com": _YAHOO,
    "yahoo.co.uk": _YAHOO,
    "yahoo.de": _YAHOO,
    "yahoo.fr": _YAHOO,
    "yandex.com": _YANDEX,
    "yandex.ru": _YANDEX,
    "zoho.com": ("smtps://smtp.zoho.com", "imaps://imap.zoho.com"),
}

# These put a copy of what is handed in into the Sent mailbox themselves: a second one would be a double.
_COPY_THEMSELVES = ("gmail.com", "googlemail.com", "office365.com", "outlook.com")


def copies_by_itself(host: str) -> bool:
    """Whether the server that takes a letter puts a copy into the sender's Sent mailbox."""
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in _COPY_THEMSELVES)
