"""Run all cases through all proxies and print, or write, the page about them."""

from __future__ import annotations

import argparse
import sys

from tests.corpus.cases import load
from tests.corpus.compare.outcomes import KEPT, SIDES, as_text, ask, read
from tests.corpus.compare.page import PAGE, page
from tests.corpus.compare.proxies import PROXIES


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.compare", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name} and {KEPT.name}")
    options = parser.parse_args()
    cases = {side: load(side) for side in SIDES}
    text = as_text({name: ask(name, cases) for name in PROXIES})
    made = page(*read(text), cases)
    if options.write:
        KEPT.write_text(text, encoding="utf-8")
        PAGE.write_text(made, encoding="utf-8")
    else:
        sys.stdout.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
