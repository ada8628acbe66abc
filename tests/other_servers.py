"""Transcripts of IMAP servers that aren't ours: how they all begin, and what a list asks for."""

from __future__ import annotations

from typing import Any

from faced import Faced
from scripted import ScriptedServer

LOGIN = """
    TLS
    S: * OK [CAPABILITY {capabilities} AUTH=PLAIN SASL-IR] hi
    C: P1 AUTHENTICATE PLAIN *
    S: P1 OK [CAPABILITY {capabilities}] hi
"""
LISTED = "BODY[HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID)]"
LISTING = f"(UID FLAGS INTERNALDATE RFC822.SIZE {LISTED.replace('BODY', 'BODY.PEEK')})"


def box_of(face: Faced, server: ScriptedServer) -> Any:
    port = server.port
    return face.account(
        "ada@x.org", password="secret", smtp="smtps://localhost:1", imap=f"imaps://localhost:{port}"
    ).open()


def script(capabilities: str, talk: str) -> str:
    return LOGIN.format(capabilities=capabilities) + talk


SELECT = "C: * SELECT INBOX\nS: * {exists} EXISTS\nS: * OK [UIDVALIDITY {validity}] ok\nS: P{n} OK [READ-WRITE] done\n"


def select(n: int, exists: int = 3, validity: int = 7, more: str = "") -> str:
    text = SELECT.format(n=n, exists=exists, validity=validity)
    return text.replace("S: * OK", f"{more}\nS: * OK", 1) if more else text
