"""The page docs/comparison-http1.md, made from the outcomes."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus.cases import CLASSES
from tests.corpus.compare.outcome import Verdict, verdict
from tests.corpus.compare.outcomes import SIDES, Words, key
from tests.corpus.compare.proxies import PROXIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.corpus.cases import Case

PAGE = Path(__file__).parents[3] / "docs" / "comparison-http1.md"
_FEW = 3
_TEMPLATE = Path(__file__).with_name("page.in.md")
_ENTRIES = [(side, kind) for side in SIDES for kind in CLASSES[side]]


def page(
    versions: Mapping[str, str],
    words: Mapping[str, Words],
    cases: Mapping[str, Sequence[Case]],
) -> str:
    """Return the page as Markdown."""
    return _TEMPLATE.read_text(encoding="utf-8").format(
        **versions,
        count=sum(map(len, cases.values())),
        by_class="".join(_class_line(*entry, words, cases) for entry in _ENTRIES),
        laxer="".join(_laxer_lines(words, cases)),
        differences="".join(_differences(*entry, words, cases) for entry in _ENTRIES),
    )


def is_laxer(case: str, words: Mapping[str, Words]) -> bool:
    """Tell whether certgate passes what another proxy refuses."""
    return verdict(words["certgate"][case]) is not Verdict.REFUSED and any(
        verdict(words[name][case]) is Verdict.REFUSED for name in PROXIES
    )


def _title(side: str, kind: str) -> str:
    return f"{'Response: ' if side == 'responses' else ''}{CLASSES[side][kind]['title']}"


def _class_line(
    side: str, kind: str, words: Mapping[str, Words], cases: Mapping[str, Sequence[Case]]
) -> str:
    mine = [key(side, case) for case in cases[side] if case.kind == kind]
    cells = [_title(side, kind), str(len(mine))]
    for name in PROXIES:
        times = Counter(verdict(words[name][case]) for case in mine)
        harmful = f"**{times[Verdict.HARMFUL]}**" if times[Verdict.HARMFUL] else "0"
        cells.append(f"{times[Verdict.REFUSED]} / {times[Verdict.PASSED]} / {harmful}")
    return _row([*cells, CLASSES[side][kind]["why"]])


def _laxer_lines(words: Mapping[str, Words], cases: Mapping[str, Sequence[Case]]) -> Iterator[str]:
    for side in SIDES:
        mine = [case for case in cases[side] if is_laxer(key(side, case), words)]
        for label, cells, one in _merged(side, mine, words, cases[side]):
            yield _row([f"{_title(side, one.kind)}: {label}", *cells, one.laxer])


def _differences(
    side: str, kind: str, words: Mapping[str, Words], cases: Mapping[str, Sequence[Case]]
) -> str:
    mine = [case for case in cases[side] if case.kind == kind and _differs(key(side, case), words)]
    lines = [_row([label, *cells]) for label, cells, _ in _merged(side, mine, words, cases[side])]
    head = f"\n### {_title(side, kind)}\n\n| case | {' | '.join(PROXIES)} |\n"
    return f"{head}|{' --- |' * (len(PROXIES) + 1)}\n{''.join(lines)}" if lines else ""


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
        cells = [_cell({words[name][each] for each in keys}) for name in PROXIES]
        yield _label(cases, sizes[cases[0].kind, cases[0].group]), cells, cases[0]


def _cell(words: set[str]) -> str:
    marked = (f"**{word}**" if verdict(word) is Verdict.HARMFUL else word for word in words)
    return " or ".join(sorted(marked))


def _label(cases: Sequence[Case], size: int) -> str:
    group = cases[0].group
    if len(cases) == size:
        return group if size == 1 else f"{group} ({size} cases)"
    if len(cases) > _FEW:
        return f"{group} ({len(cases)} of {size} cases)"
    return f"{group}: {'; '.join(case.variant for case in cases)}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"
