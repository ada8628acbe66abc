"""Every error that Posthouse raises on purpose.

::

    PosthouseError
    ├── ConfigError               posthouse.toml, or what the operator asked for, can't be used
    ├── ProtocolError             somebody broke a protocol's rules
    │   ├── LocalProtocolError    we did: a defect in the calling code
    │   └── RemoteProtocolError   the peer did
    │       └── LimitError        … by sending more than a named limit allows
    ├── ConnectionFailed          no conversation: refused, timed out, cut off, no TLS
    │   └── TlsError              … the peer could not prove who it is, or offers no TLS
    ├── NoRoute                   the name system (DNS) names no server for a letter's domain, or doesn't answer
    ├── Refused                   the server understood and said no
    │   ├── LoginRefused          … to the user name and password
    │   │   ├── LoginPaused       … for now: after too many that failed
    │   │   └── ActingRefused     … to the wish to act as somebody else, which these prove no right to
    │   ├── SmtpRefused           … with an SMTP reply
    │   ├── ImapRefused           … with NO or BAD
    │   └── Pop3Refused           … with -ERR
    ├── NotSupported              what was asked for isn't to be had by this protocol (flags by POP3)
    ├── MailboxRenewed            the server made a mailbox anew: its messages have other numbers now
    ├── MailFileError             a file or folder is not the mail (.eml, mbox, Maildir) it should be, or is taken
    ├── InvalidMessage            a letter that can't be composed (bad address, line break in a header, missing file)
    └── StoreError                the store can't do what was asked
        ├── NotFound              no such account, mailbox, message
        ├── AlreadyExists         the name is taken
        ├── StoreFull             there is no room for it: on the disk, or …
        │   └── OverQuota         … within the account's quota
        └── StoreVersionError     the store was written by a newer program

Each error carries two halves. ``str(error)`` is one plain sentence that a person (or the protocol's peer) may
read: what happened and why; without a capital at its beginning and a full stop at its end, so that it can stand behind
``posthouse: `` or in a reply (`sentence` makes it one of its own). ``error.advice`` says what to do next, and may be
empty. What only the log needs goes into ``__cause__``. Whose fault it is, is the class.
"""

from __future__ import annotations


class PosthouseError(Exception):
    """The root. ``message`` is one plain sentence; ``advice`` the next step, or empty."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ConfigError(PosthouseError):
    """The configuration, or a command of the operator, can't be used as it stands."""


class ProtocolError(PosthouseError):
    """Somebody broke a protocol's rules."""


class LocalProtocolError(ProtocolError):
    """The calling code asked a machine for something that its state doesn't allow."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol doesn't allow."""


class LimitError(RemoteProtocolError):
    """The peer sent more than a named limit allows."""


class ConnectionFailed(PosthouseError):
    """There is no conversation with the server: refused, timed out or cut off."""


class TlsError(ConnectionFailed):
    """The connection can't be made private: no TLS offered, or a certificate that proves nothing."""


class NoRoute(PosthouseError):
    """No server is known that takes letters for a domain.

    ``temporary``: it may be another time. ``enhanced``: the status code of RFC 3463 ("5.1.2").
    """

    def __init__(self, message: str, *, temporary: bool, enhanced: str, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.temporary = temporary
        self.enhanced = enhanced


class Refused(PosthouseError):
    """The server understood, and said no."""


class LoginRefused(Refused):
    """The server refused the user name and password."""


class LoginPaused(LoginRefused):
    """Logins are refused for a time, whatever the password is; the words say why and until when."""


class ActingRefused(LoginRefused):
    """The user name and password are right, and give no right to act as somebody else (RFC 4422 §2, authzid)."""


class SmtpRefused(Refused):
    """The server refused with an SMTP reply.

    ``code`` is the reply code (RFC 5321 §4.2), ``enhanced`` the status code of RFC 3463 ("5.1.1") or empty.
    """

    def __init__(self, message: str, *, code: int, enhanced: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.code = code
        self.enhanced = enhanced

    @property
    def temporary(self) -> bool:
        """True for 4yz replies: the same may be accepted later (RFC 5321 §4.2.1)."""
        return 400 <= self.code < 500


class ImapRefused(Refused):
    """The server answered NO or BAD. ``condition`` is that word, ``code`` the response code ("TRYCREATE") or empty."""

    def __init__(self, message: str, *, condition: str = "NO", code: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.condition = condition
        self.code = code


class Pop3Refused(Refused):
    """The server answered -ERR. ``code`` is the response code ("IN-USE", "SYS/TEMP", RFC 2449 §8) or empty."""

    def __init__(self, message: str, *, code: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.code = code


class NotSupported(PosthouseError):
    """What was asked for isn't to be had by the protocol that the server speaks."""


class MailboxRenewed(PosthouseError):
    """The server made a mailbox anew (UIDVALIDITY): the numbers that were told before mean nothing any longer."""


class InvalidMessage(PosthouseError):
    """A letter can't be composed from what was given."""


class MailFileError(PosthouseError):
    """A file or folder can't be read, or written, as the mail (.eml, mbox, Maildir) it should be."""


class StoreError(PosthouseError):
    """The store can't do what was asked; nothing was changed.

    ``in_doubt``: the database failed while it wrote, and what was asked may turn up after a crash.
    """

    in_doubt = False


class NotFound(StoreError):
    """There is no such account, mailbox or message."""


class AlreadyExists(StoreError):
    """The name is taken."""


class StoreFull(StoreError):
    """The disk, or the account's quota, has no room for it."""


class OverQuota(StoreFull):
    """The account's quota has no room for it. ``never``: not even in an empty account."""

    def __init__(self, message: str, *, never: bool = False, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.never = never


class StoreVersionError(StoreError):
    """The store was written by a newer program than this one."""


def sentence(error: PosthouseError) -> str:
    """The error's words as a sentence that stands alone, as a protocol's reply has it."""
    text = str(error)
    return text[:1].upper() + text[1:]
