"""`python -m bench NAME [ARGUMENTS]`: one module of this folder, with a `main(arguments)`; no name: what there is."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    here = Path(__file__).parent
    names = sorted(path.stem for path in here.glob("*.py") if not path.stem.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        sys.exit(f"python -m bench {{{','.join(names)}}} [ARGUMENTS]")
    sys.path.insert(0, str(here.parent / "tests"))  # the helpers that tests share
    importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])


main()
