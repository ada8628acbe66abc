"""Telling systemd that the server is ready or stopping: sd_notify(3), one datagram."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger("posthouse.server")


def notify(state: str) -> None:
    """Send ``READY=1`` or ``STOPPING=1`` to the service manager, if one asked for it."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    # "@" stands for the NUL of Linux's abstract socket names.
    address = "\0" + path[1:] if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), address)
    except OSError as error:
        # A service that runs is worth more than a manager that is told so.
        log.warning("NOTIFY_SOCKET=%s doesn't answer: %s", path, error.strerror)
