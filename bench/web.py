"""The mail program: what its pages take on the server, and over the wire, in a small mailbox and in a large one.

Each page is asked for over a real connection, many times. A line tells the processor time with the smaller mailbox (of
server and client together, so that a busy machine doesn't count), how many times as much the larger one takes, and how
many octets come, packed. The first list is counted with the files that it needs.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2

from live import PASSWORDS, Live, prepare
from many_letters import ADA, fill
from posthouse.server.app import serving
from posthouse.store.engine import Store

TIMES = 15


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench web")
    parser.add_argument("--messages", type=int, nargs=2, default=[1_000, 100_000])
    parser.add_argument("--times", type=int, default=TIMES)
    options = parser.parse_args(arguments)
    small, large = (measured(count, options.times) for count in sorted(options.messages))
    print(f"{'':24}{min(options.messages):>12,} letters{max(options.messages):>12,}        octets over the wire")
    for name, (seconds, octets) in small.items():
        print(
            f"{name:24}{seconds * 1e3:>17.1f} ms{large[name][0] / seconds:>11.1f} x{max(octets, large[name][1]):>20,}"
        )


def measured(count: int, times: int) -> dict[str, tuple[float, int]]:
    """Seconds and octets, by what is asked for."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = prepare(Path(folder))
        store = Store.open(settings.data)
        fill(store, count)
        store.close()
        with serving(settings) as server:
            house = Live(settings, server)
            base = f"https://127.0.0.1:{house.port('https')}"
            with httpx2.Client(base_url=base, verify=house.tls, headers={"sec-fetch-site": "same-origin"}) as client:
                client.post("/login", data={"address": ADA, "password": PASSWORDS[ADA]})
                settle()
                return ask(client, times)


def settle() -> None:
    """Wait until the search index is written: nothing happens any more."""
    while True:
        before = time.process_time()
        time.sleep(2)
        if time.process_time() - before < 0.1:
            return


def ask(client: httpx2.Client, times: int) -> dict[str, tuple[float, int]]:
    """What a person looks at, one after the other."""
    first = client.get("/").text
    more = re.search(r'data-more="([^"]+)"', first)
    thread = re.search(r'href="(/conversation/[^"]+)"', first)
    assert more
    assert thread
    paths = {
        "first list": "/",
        "next part": f"/?before={more[1]}",
        "conversation": thread[1],
        "search: a rare word": "/search?q=subject:seldom",
        "search: sender, unread": "/search?q=from:correspondent7+is:unread",
        "search: all unread": "/search?q=is:unread",
        "search: a word of all": "/search?q=patterns",
        "search: no such word": "/search?q=zymurgy",
    }
    found: dict[str, tuple[float, int]] = {}
    for name, path in paths.items():
        headers = {} if name in ("first list", "conversation") else {"x-part": "list"}
        took, octets = [], 0
        for _ in range(times):
            began = time.process_time()
            response = client.get(path, headers=headers)
            took.append(time.process_time() - began)
            octets = response.num_bytes_downloaded
        found[name] = statistics.median(took), octets
    files = set(re.findall(r'"(/static/[^"#]+)', first)) | scripts(client, first)
    seconds, octets = found["first list"]
    found["first list"] = seconds, octets + sum(client.get(path).num_bytes_downloaded for path in files)
    return found


def scripts(client: httpx2.Client, page: str) -> set[str]:
    """The modules that a page loads, those that others import among them."""
    waiting = re.findall(r'src="(/static/[^"]+js)"', page)
    found: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            folder = path.rpartition("/")[0]
            waiting += [
                f"{folder}/{name}" for name in re.findall(r'(?:from|import) "\./([^"]+)"', client.get(path).text)
            ]
    return found
