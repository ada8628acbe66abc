"""What a domain's owner has published about its mail, and what follows from it. Pure.

* `mta_sts` (RFC 8461): which hosts take a domain's letters, and that they do it under TLS.
* `dane` (RFC 7672): by which certificate a host is known.

Where more has to be asked, the asking is a generator: it yields questions, is sent the answers, and returns what they
come to. Who answers (`delivery/security.py`) knows the DNS, the web and the clock.
"""
