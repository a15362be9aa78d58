"""docs/comparison-http1.md tells the truth about certgate, nginx and HAProxy.

``tests/corpus/http1/outcomes.tsv`` keeps what each of the three did with each case of the corpus,
and the page is made from it. certgate's column is measured again in every run. nginx's and
HAProxy's are measured again where the version is the one that the table names (Debian's). Another
version may behave in another way: it is asked all the same, and may refuse nothing that certgate
passes unless the corpus says why certgate does. Where a program is missing the test fails in CI.
"""

from __future__ import annotations

import pytest

from tests.corpus.cases import Case, load
from tests.corpus.compare.outcome import Verdict, verdict
from tests.corpus.compare.outcomes import KEPT, SIDES, Words, ask, key, read
from tests.corpus.compare.page import PAGE, is_laxer, page
from tests.corpus.compare.proxies import PROXIES, version

CASES = {side: load(side) for side in SIDES}
VERSIONS, WORDS = read(KEPT.read_text(encoding="utf-8"))
AGAIN = "run `python -m tests.corpus.compare --write`, and read what changed"
# How far a body came before its fault was seen decides between an error and a broken answer.
_SAME = {"closed": "cut", "502": "cut", "504": "cut", "408": "cut"}


def _all() -> list[tuple[str, Case]]:
    return [(key(side, case), case) for side in SIDES for case in CASES[side]]


def _differences(name: str, found: Words) -> list[str]:
    return [
        f"{case}: {found[case]}, not {WORDS[name][case]} as in the table"
        for case, _ in _all()
        if _SAME.get(found[case], found[case]) != _SAME.get(WORDS[name][case], WORDS[name][case])
    ]


def test_the_page_is_made_from_the_kept_outcomes():
    assert page(VERSIONS, WORDS, CASES) == PAGE.read_text(encoding="utf-8"), AGAIN


def test_the_kept_outcomes_are_those_of_the_corpus():
    assert list(WORDS["certgate"]) == [case for case, _ in _all()], AGAIN


def test_certgate_does_no_harm():
    words = WORDS["certgate"]
    assert [case for case in words if verdict(words[case]) is Verdict.HARMFUL] == []


def test_the_corpus_says_why_certgate_takes_what_another_refuses():
    laxer = {(case.kind, case.group) for at, case in _all() if is_laxer(at, WORDS)}
    assert laxer == {(case.kind, case.group) for _, case in _all() if case.laxer}


@pytest.mark.slow
def test_certgate_does_what_the_table_says():
    assert _differences("certgate", ask("certgate", CASES)) == [], AGAIN


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PROXIES if name != "certgate"])
def test_another_proxy_does_what_the_table_says(name: str):
    """With a version that the table does not name: it refuses nothing that certgate takes."""
    installed = version(name)
    found = ask(name, CASES)
    if installed == VERSIONS[name]:
        assert _differences(name, found) == [], AGAIN
    unexplained = [
        at for at, case in _all() if is_laxer(at, {**WORDS, name: found}) and not case.laxer
    ]
    assert unexplained == [], (
        f"{name} {installed} refuses what certgate takes: say why, or refuse it"
    )
