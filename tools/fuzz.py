"""Octets that nobody would send, thrown at what reads octets: `make fuzz`, or `tools/fuzz.py [--seconds N] [NAME …]`.

Each machine of the table gets mutations of its seeds for its share of the time. It may not raise, may not break a
promise (its check says which), and may not take longer than linear time allows. What does is written to a file, with
the command that repeats it; the exit status is 1 then. Runs with the same --seed do the same, as far as time allows.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the promises that tests check, too

import file_promises
import imap_promises
import message_promises
import pop3_promises
import smtp_promises

# An input may take this long (seconds), and this much more for each octet: many times what it takes.
START, PER_OCTET = 0.5, 20e-6
# Mutations grow no longer than this, but for one in a hundred, which is repeated up to the second length.
LONGEST, LONGEST_REPEATED = 8_000, 200_000


@dataclass(frozen=True)
class Machine:
    """Something that reads octets: what it gets, what mutations are made of, and the check that may not fail."""

    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    check: Callable[[bytes], None]


SEED = b"""\
From: =?utf-8?Q?J=C3=BCrgen?= <j@x.org>
To: "Ann" <ann@x.org>, friends: bob@x.org;
Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
Date: Mon, 16 Mar 2009 12:00:00 +0100
References: <a@x.org> <b@x.org>
Content-Type: multipart/mixed; boundary="m"

--m
Content-Type: multipart/alternative; boundary="m-1"

--m-1
Content-Type: text/plain; charset=utf-8; format=flowed

Hello \n there
begin 644 x
%:&5L;&\\
`
end
--m-1
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<p style=3D"x">Hello<br>=C3=BC &amp; <a href=3D"https://x.org">there</a>
--m-1--
--m
Content-Type: image/png; name*0*=utf-8''%C3%BC; name*1=.png
Content-Transfer-Encoding: base64

aGVsbG8=
--m
Content-Type: message/rfc822

Subject: inner

text
--m--
"""

MACHINES = {
    "message": Machine(
        (SEED, SEED.replace(b"\n", b"\r\n"), b"".join(message_promises.PIECES)),
        (*message_promises.PIECES, *message_promises.UNITS),
        message_promises.check,
    ),
    "imap": Machine(imap_promises.SEEDS, imap_promises.WORDS, imap_promises.check),
    "mbox": Machine((b"".join(file_promises.PIECES),), tuple(file_promises.PIECES), file_promises.check),
    "pop3": Machine(pop3_promises.SEEDS, pop3_promises.WORDS, pop3_promises.check),
    "smtp": Machine(smtp_promises.SEEDS, smtp_promises.WORDS, smtp_promises.check),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MACHINES)}; default: all")
    parser.add_argument("--seconds", type=float, default=60, help="for all of them together (60)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--input", type=Path, help="a file to give to the machine NAME, instead of mutations")
    options = parser.parse_args()
    names = options.names or list(MACHINES)
    if unknown := set(names) - set(MACHINES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(MACHINES)}")
    if options.input:
        report = trouble(MACHINES[names[0]], options.input.read_bytes())
        print(report or "all well")
        return 1 if report else 0
    print(f"--seed {options.seed}")
    chance = random.Random(options.seed)  # noqa: S311  # that it can be repeated is the point
    return max([fuzz(name, options.seconds / len(names), chance) for name in names])


def fuzz(name: str, seconds: float, chance: random.Random) -> int:
    """Mutations for so long; 1 if one of them was too much."""
    machine = MACHINES[name]
    end = time.monotonic() + seconds
    count = 0
    pool = list(machine.seeds)
    while time.monotonic() < end:
        octets = mutate(chance, chance.choice(pool), machine.words)
        count += 1
        if report := trouble(machine, octets):
            with tempfile.NamedTemporaryFile(prefix=f"fuzz-{name}-", delete=False) as file:
                file.write(octets)
            print(report)
            print(f"{name}: after {count} inputs. Again: tools/fuzz.py {name} --input {file.name}")
            return 1
        if len(octets) <= LONGEST and chance.random() < 0.02:
            pool = [*machine.seeds, *pool[-200:], octets]  # mutations of mutations go further astray
    print(f"{name}: {count} inputs, all well")
    return 0


def trouble(machine: Machine, octets: bytes) -> str:
    """What is wrong with how the machine takes ``octets``; empty if all is well."""
    begin = time.perf_counter()
    try:
        machine.check(octets)
    except Exception:  # whatever it is, it is what we look for
        return traceback.format_exc()
    taken, allowed = time.perf_counter() - begin, START + PER_OCTET * len(octets)
    return f"{len(octets)} octets took {taken:.2f} s, more than {allowed:.2f}" if taken > allowed else ""


def mutate(chance: random.Random, octets: bytes, words: tuple[bytes, ...]) -> bytes:
    """A few random changes."""
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(octets) + 1)
        end = min(len(octets), at + int(chance.expovariate(1 / 20)))
        change = chance.randrange(6)
        if change == 0:  # cut out
            octets = octets[:at] + octets[end:]
        elif change == 1:  # repeat
            octets = octets[:end] + octets[at:end] * chance.randint(1, 20) + octets[end:]
        elif change == 2:  # put in a word
            octets = octets[:at] + chance.choice(words) + octets[at:]
        elif change == 3:  # change octets
            octets = octets[:at] + chance.randbytes(min(3, end - at)) + octets[min(at + 3, end) :]
        elif change == 4:  # move
            octets = octets[:at] + octets[end:] + octets[at:end]
        else:  # break off
            octets = octets[: max(at, 20)] if chance.random() < 0.3 else octets
    if chance.random() < 0.01:
        at = chance.randrange(len(octets) + 1)
        word = chance.choice(words) or b"x"
        return octets[:at] + word * (chance.randrange(LONGEST_REPEATED) // len(word)) + octets[at:]
    return octets[:LONGEST]


if __name__ == "__main__":
    sys.exit(main())
