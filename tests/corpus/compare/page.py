"""The page docs/comparison-http1.md, made from the outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus.compare.classes import CLASSES
from tests.corpus.compare.outcome import Verdict, verdict
from tests.corpus.compare.outcomes import SIDES, Words, key
from tests.corpus.compare.proxies import PROXIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.corpus.cases import Case

PAGE = Path(__file__).parents[3] / "docs" / "comparison-http1.md"
_FEW = 3
_HEAD = """\
# certgate, nginx and HAProxy: malformed HTTP/1.1

What each of three proxies does with the {count} messages of `tests/corpus/http1`, which are malformed,
ambiguous, or only look so. Made by `python -m tests.corpus.compare --write`; a test compares it with
what the installed programs do.

- [How it is measured](#how-it-is-measured)
- [By class](#by-class)
- [Where certgate takes what another refuses](#where-certgate-takes-what-another-refuses)
- [Every difference](#every-difference)

## How it is measured

certgate {certgate}, nginx {nginx} and HAProxy {HAProxy} (Debian's), each with TLS, a client certificate
(`optional`, refused when there is none), `X-SSL-Client-Verify` and `X-SSL-Client-S-DN` for the app, and
HTTP/1.1 to it; nginx as in [from-nginx.md](from-nginx.md), HAProxy with the same rules. Limits are as
near to 4 KiB and 50 fields as each can. The configurations are in `tests/corpus/compare/proxies.py`.

Requests go to an app that keeps every byte; h11, a strict parser of other people, says what is in them.
Responses come from an app that sends the case's bytes; h11 reads what reaches the client, who then asks
for something else on the same connection.

| word | meaning |
| --- | --- |
| a status, `closed`, `cut` | refused: the app or the client got nothing that is complete, so that nobody acts on it |
| `passed` | got through in one reading: as it was, or repaired on the way |
| **h11 refuses it** | got through so that a strict parser stumbles: another one may read anything there |
| **forged identity** | the app gets an identity, or an address, that the client made up (a field or a trailer) |
| **forged framing** | the app gets a name that CGI folds into `CONTENT_LENGTH` or `TRANSFER_ENCODING` |
| **h2c offered** | the app is asked to switch to HTTP/2, past the proxy's rules |

A message that gets through repaired is no hole by itself. It becomes one when a second proxy in front or
behind repairs it in another way; that is why certgate refuses it. nginx and HAProxy can be told more than
their recipes say (`option h1-case-adjust`, `http-request del-header`, `proxy_set_header … ""`): the
numbers are those of the recipe.
"""
_BY_CLASS = """
## By class

Cases that are refused / pass / **do harm**.

| class | cases | certgate | nginx | HAProxy | why it matters |
| --- | --- | --- | --- | --- | --- |
"""
_LAXER = """
## Where certgate takes what another refuses

| case | certgate | nginx | HAProxy | why |
| --- | --- | --- | --- | --- |
"""
_DIFFERENCES = """
## Every difference

Cases of one entry of the corpus stand in one line when all three do the same with them. What all three
refuse, and what all three pass, is left out.
"""


def page(
    versions: Mapping[str, str],
    words: Mapping[str, Words],
    cases: Mapping[str, Sequence[Case]],
) -> str:
    """Return the page as Markdown."""
    count = sum(map(len, cases.values()))
    parts = [_HEAD.format(count=count, **versions), _BY_CLASS]
    parts += (_class_line(side, kind, words, cases[side]) for side in SIDES for kind in CLASSES[side])
    parts.append(_LAXER)
    parts += _laxer_lines(words, cases)
    parts.append(_DIFFERENCES)
    parts += (_differences(side, kind, words, cases[side]) for side in SIDES for kind in CLASSES[side])
    return "".join(parts)


def is_laxer(case: str, words: Mapping[str, Words]) -> bool:
    """Tell whether certgate passes what another proxy refuses."""
    return verdict(words["certgate"][case]) is not Verdict.REFUSED and any(
        verdict(words[name][case]) is Verdict.REFUSED for name in PROXIES
    )


def _title(side: str, kind: str) -> str:
    return f"{'Response: ' if side == 'responses' else ''}{CLASSES[side][kind][0]}"


def _class_line(side: str, kind: str, words: Mapping[str, Words], cases: Sequence[Case]) -> str:
    mine = [key(side, case) for case in cases if case.kind == kind]
    cells = [_title(side, kind), str(len(mine))]
    for name in PROXIES:
        times = Counter(verdict(words[name][case]) for case in mine)
        harmful = f"**{times[Verdict.HARMFUL]}**" if times[Verdict.HARMFUL] else "0"
        cells.append(f"{times[Verdict.REFUSED]} / {times[Verdict.PASSED]} / {harmful}")
    return _row([*cells, CLASSES[side][kind][1]])


def _laxer_lines(
    words: Mapping[str, Words], cases: Mapping[str, Sequence[Case]]
) -> Iterator[str]:
    for side in SIDES:
        mine = [case for case in cases[side] if is_laxer(key(side, case), words)]
        for label, cells, some in _merged(side, mine, words, cases[side]):
            yield _row([f"{_title(side, some.kind)}: {label}", *cells, some.laxer])


def _differences(side: str, kind: str, words: Mapping[str, Words], cases: Sequence[Case]) -> str:
    mine = [case for case in cases if case.kind == kind and _differs(key(side, case), words)]
    if not mine:
        return ""
    lines = [_row([label, *cells]) for label, cells, _ in _merged(side, mine, words, cases)]
    head = f"\n### {_title(side, kind)}\n\n| case | {' | '.join(PROXIES)} |\n"
    return head + f"|{' --- |' * (len(PROXIES) + 1)}\n" + "".join(lines)


def _differs(case: str, words: Mapping[str, Words]) -> bool:
    return len({verdict(words[name][case]) for name in PROXIES}) > 1


def _merged(
    side: str, some: Sequence[Case], words: Mapping[str, Words], everything: Sequence[Case]
) -> Iterator[tuple[str, list[str], Case]]:
    """Put the cases of one entry together that came out alike: label, cells, one of them."""
    sizes = Counter((case.kind, case.group) for case in everything)
    alike: dict[tuple[object, ...], list[Case]] = defaultdict(list)
    for case in some:
        verdicts = tuple(verdict(words[name][key(side, case)]) for name in PROXIES)
        alike[case.kind, case.group, verdicts].append(case)
    for cases in alike.values():
        keys = [key(side, case) for case in cases]
        cells = [" or ".join(sorted({_cell(words[name][each]) for each in keys})) for name in PROXIES]
        yield _label(cases, sizes[cases[0].kind, cases[0].group]), cells, cases[0]


def _cell(word: str) -> str:
    return f"**{word}**" if verdict(word) is Verdict.HARMFUL else word


def _label(cases: Sequence[Case], size: int) -> str:
    group = cases[0].group
    if len(cases) == size:
        return group if size == 1 else f"{group} ({size} cases)"
    if len(cases) > _FEW:
        return f"{group} ({len(cases)} of {size} cases)"
    return f"{group}: {'; '.join(case.variant for case in cases)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
