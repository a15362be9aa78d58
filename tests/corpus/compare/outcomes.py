"""The outcomes of all cases at all proxies, and the file that keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus.compare import outcome, run
from tests.corpus.compare.outcome import Harm
from tests.corpus.compare.proxies import PROXIES, version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.corpus.cases import Case

SIDES = ("requests", "responses")
KEPT = Path(__file__).parents[1] / "http1" / "outcomes.tsv"

Words = dict[str, str]
"""An outcome by the case's side and id."""


def key(side: str, case: Case) -> str:
    """Return what names a case among both sides'."""
    return f"{side}: {case.id}"


def ask(name: str, cases: Mapping[str, Sequence[Case]]) -> Words:
    """Run every case through this proxy and judge it."""
    asked = {"requests": run.requests, "responses": run.responses}
    judged = {"requests": outcome.of_request, "responses": outcome.of_response}
    return {
        key(side, case): Harm.VARIES.value if case.varies == name else judged[side](exchange)
        for side in SIDES
        for case, exchange in zip(cases[side], asked[side](name, cases[side]), strict=True)
    }


def as_text(by_proxy: Mapping[str, Words]) -> str:
    """Return the file's content: a line of versions, then a line for each case."""
    versions = [f"{name} {version(name)}" for name in PROXIES]
    lines = ["\t".join(["case", *versions])]
    lines += (
        "\t".join([case, *(by_proxy[name][case] for name in PROXIES)])
        for case in by_proxy["certgate"]
    )
    return "\n".join(lines) + "\n"


def read(text: str) -> tuple[dict[str, str], dict[str, Words]]:
    """Return versions and outcomes by proxy."""
    head, *lines = (line.split("\t") for line in text.splitlines())
    columns = {name: at for at, name in enumerate(PROXIES, start=1)}
    versions = {name: head[at].rpartition(" ")[2] for name, at in columns.items()}
    words = {name: {line[0]: line[at] for line in lines} for name, at in columns.items()}
    return versions, words
