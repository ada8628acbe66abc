"""What the server offers, as rows: a name, and when it is listed. An extension adds its row when it is complete."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class When(enum.Enum):
    """The situations in which a capability is listed."""

    ALWAYS = "always"
    BEFORE_LOGIN = "before the login"
    LOGGED_IN = "after the login"
    STARTTLS = "before the login, in clear text, where TLS can be had"
    LOGIN_CLOSED = "before the login, where passwords are not taken in clear text"


@dataclass(frozen=True, slots=True)
class Offer:
    """One capability."""

    name: str
    when: When = When.ALWAYS


CAPABILITIES = (
    Offer("IMAP4rev1"),
    Offer("IMAP4rev2"),
    Offer("LITERAL+"),  # RFC 7888
    Offer("SASL-IR", When.BEFORE_LOGIN),  # RFC 4959
    Offer("STARTTLS", When.STARTTLS),
    Offer("LOGINDISABLED", When.LOGIN_CLOSED),
    Offer("ID"),  # RFC 2971
    Offer("ENABLE"),  # RFC 5161
    Offer("IDLE"),  # RFC 2177
    Offer("NAMESPACE"),  # RFC 2342
    Offer("UNSELECT"),  # RFC 3691
    Offer("UIDPLUS"),  # RFC 4315
    Offer("MOVE"),  # RFC 6851
    Offer("CHILDREN", When.LOGGED_IN),  # RFC 3348
    Offer("LIST-EXTENDED", When.LOGGED_IN),  # RFC 5258
    Offer("LIST-STATUS", When.LOGGED_IN),  # RFC 5819
    Offer("SPECIAL-USE", When.LOGGED_IN),  # RFC 6154
    Offer("CREATE-SPECIAL-USE", When.LOGGED_IN),  # RFC 6154 §3
    Offer("STATUS=SIZE", When.LOGGED_IN),  # RFC 8438
    Offer("STATUS=DELETED", When.LOGGED_IN),  # RFC 9051, appendix E
    Offer("APPENDLIMIT", When.LOGGED_IN),  # RFC 7889
    Offer("ESEARCH", When.LOGGED_IN),  # RFC 4731
    Offer("SEARCHRES", When.LOGGED_IN),  # RFC 5182
    Offer("SORT", When.LOGGED_IN),  # RFC 5256
    Offer("SORT=DISPLAY", When.LOGGED_IN),  # RFC 5957
    Offer("ESORT", When.LOGGED_IN),  # RFC 5267 §3
    Offer("CONTEXT=SEARCH", When.LOGGED_IN),  # RFC 5267 §4
    Offer("CONTEXT=SORT", When.LOGGED_IN),
    Offer("PARTIAL", When.LOGGED_IN),  # RFC 9394
    Offer("MULTISEARCH", When.LOGGED_IN),  # RFC 7377
    Offer("THREAD=ORDEREDSUBJECT", When.LOGGED_IN),  # RFC 5256
    Offer("THREAD=REFERENCES", When.LOGGED_IN),
    Offer("THREAD=REFS", When.LOGGED_IN),  # draft-ietf-morg-inthread
    Offer("WITHIN", When.LOGGED_IN),  # RFC 5032
    Offer("SAVEDATE", When.LOGGED_IN),  # RFC 8514
    Offer("PREVIEW", When.LOGGED_IN),  # RFC 8970
    Offer("OBJECTID", When.LOGGED_IN),  # RFC 8474
    Offer("BINARY", When.LOGGED_IN),  # RFC 3516
    Offer("MULTIAPPEND", When.LOGGED_IN),  # RFC 3502
    Offer("CATENATE", When.LOGGED_IN),  # RFC 4469
    Offer("REPLACE", When.LOGGED_IN),  # RFC 8508
    Offer("UTF8=ACCEPT", When.LOGGED_IN),  # RFC 6855
    Offer("COMPRESS=DEFLATE", When.LOGGED_IN),  # RFC 4978
    Offer("INPROGRESS", When.LOGGED_IN),  # RFC 9585
    Offer("UIDONLY", When.LOGGED_IN),  # RFC 9586
    Offer("UNAUTHENTICATE", When.LOGGED_IN),  # RFC 8437
    Offer("CONDSTORE", When.LOGGED_IN),  # RFC 7162
    Offer("QRESYNC", When.LOGGED_IN),  # RFC 7162
    Offer("ACL", When.LOGGED_IN),  # RFC 4314
    Offer("RIGHTS=kxte", When.LOGGED_IN),  # RFC 4314 §2.2: those that RFC 2086 hadn't
    Offer("LIST-MYRIGHTS", When.LOGGED_IN),  # RFC 8440
    Offer("METADATA", When.LOGGED_IN),  # RFC 5464
    Offer("NOTIFY", When.LOGGED_IN),  # RFC 5465
    Offer("URLAUTH", When.LOGGED_IN),  # RFC 4467
    Offer("QUOTA", When.LOGGED_IN),  # RFC 9208
    Offer("QUOTA=RES-STORAGE", When.LOGGED_IN),
    Offer("QUOTA=RES-MESSAGE", When.LOGGED_IN),
)
