"""Channel binding (RFC 5056): what both ends know of one TLS connection, and nobody between two of them does.

`tls-exporter` (RFC 9266) is what clients use under TLS 1.3, and they can't be told to use another: a server that
offers SCRAM-…-PLUS has to have it. OpenSSL exports it, but Python's `ssl` hands out `tls-unique` alone, which TLS 1.3
lacks. So OpenSSL is asked directly, about the connection that the object inside of `ssl` keeps between its socket and
its context. That this is so for the Python that runs is found out, by a handshake with oneself, before it is used;
where it isn't, nothing is offered that needs it.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import ssl
from collections.abc import Callable
from typing import Any

LABEL = b"EXPORTER-Channel-Binding"  # RFC 9266 §4.2
LENGTH = 32
# PyObject's head, the weak reference to the socket, the connection, the context: in words.
TYPE, CONNECTION, CONTEXT, WORDS = 1, 3, 4, 5


@functools.cache
def _export() -> Callable[..., int] | None:
    """OpenSSL's function, as it stands in the library that `ssl` is linked with."""
    import _ssl

    try:
        function = ctypes.CDLL(_ssl.__file__).SSL_export_keying_material
    except (AttributeError, OSError):  # linked statically, with its names stripped
        return None
    octets, size = ctypes.c_char_p, ctypes.c_size_t
    function.argtypes = [ctypes.c_void_p, octets, size, octets, size, octets, size, ctypes.c_int]
    function.restype = ctypes.c_int
    return function


def tls_exporter(tls: ssl.SSLObject) -> bytes | None:
    """The keying material of RFC 9266. None below TLS 1.3, where it would bind to nothing without further promises
    (RFC 7627), and where this Python doesn't let it be had."""
    export = _export()
    inner: Any = getattr(tls, "_sslobj", None)
    if export is None or inner is None or tls.version() != "TLSv1.3":
        return None
    if type(inner).__basicsize__ < WORDS * ctypes.sizeof(ctypes.c_void_p):
        return None
    words = (ctypes.c_void_p * WORDS).from_address(id(inner))
    if words[TYPE] != id(type(inner)) or words[CONTEXT] != id(tls.context) or not words[CONNECTION]:
        return None
    exported = ctypes.create_string_buffer(LENGTH)
    if export(words[CONNECTION], exported, LENGTH, LABEL, len(LABEL), None, 0, 0) != 1:
        return None
    return exported.raw


def exporter_works(server: ssl.SSLContext) -> bool:
    """Whether both ends of a connection get the same, and those of another something else."""
    first, second = _shake_hands(server), _shake_hands(server)
    return None not in first and first[0] == first[1] and first != second


def _shake_hands(server: ssl.SSLContext) -> tuple[bytes | None, bytes | None]:
    """What the two ends of a connection within this process export."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (context.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True))
    for _ in range(2):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return None, None
    return tls_exporter(ends[0]), tls_exporter(ends[1])


def end_point(certificate: bytes) -> bytes | None:
    """`tls-server-end-point` (RFC 5929 §4.1) of the first certificate in a PEM file; None where its signature has no
    hash, of which the RFC says nothing."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    first = x509.load_pem_x509_certificate(certificate)
    used = first.signature_hash_algorithm
    if used is None:
        return None
    # MD5 and SHA-1 count as SHA-256.
    name = "sha256" if used.name in ("md5", "sha1") else used.name
    return hashlib.new(name, first.public_bytes(Encoding.DER)).digest()
