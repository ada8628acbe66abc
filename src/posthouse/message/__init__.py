"""The Internet Message Format: reading anything that was sent, writing what every program accepts. Pure.

Octets and values in, octets and values out: no files, no clock, no randomness; whoever calls hands these in.

Reading (``mime.scan`` and what works on its tree):
- never raises and never hangs, for any octets; time grows with the length of the input, and no faster;
- loses nothing: what can't be read stays as octets or as text, and ``defects`` says so;
- offsets, not copies: a ``Part`` says where in the raw message its header, body and end are;
- everything that a sender controls (depth, parts, fields, addresses, parameters) has a named limit.

Writing (``compose``, ``encode``): what is written can be read back as it was; what would break a header is refused
with ``InvalidMessage``, never repaired in silence.
"""
