"""Medians, ratios and the table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.workloads import Workload


@dataclass(frozen=True, slots=True)
class Row:
    """One workload's medians over all rounds."""

    workload: str
    unit: str
    nginx: float
    certgate: float
    ratio: float
    limit: float | None


def row(workload: Workload, nginx: Sequence[float], certgate: Sequence[float]) -> Row:
    """Return the medians; the ratio is the median of the rounds' own ratios.

    A round measures both within seconds, so drift of the machine cancels out.
    """
    ratios = [ours / theirs for ours, theirs in zip(certgate, nginx, strict=True)]
    return Row(
        workload.key,
        workload.unit,
        median(nginx) * workload.scale,
        median(certgate) * workload.scale,
        median(ratios),
        workload.limit,
    )


def table(rows: Iterable[Row], titles: dict[str, str]) -> str:
    """Return the rows as text for a person."""
    lines = [f"{'':<30}{'nginx':>10}{'certgate':>10}  {'unit':<7}{'ratio':>6}  goal"]
    for each in rows:
        goal = f"<= {each.limit}" if each.limit else ""
        lines.append(
            f"{titles[each.workload]:<30}{each.nginx:>10.1f}{each.certgate:>10.1f}  "
            f"{each.unit:<7}{each.ratio:>6.2f}  {goal}".rstrip()
        )
    return "\n".join(lines)


def as_dict(rows: Iterable[Row]) -> dict[str, dict[str, object]]:
    """Return the rows for JSON, keyed by workload."""
    return {each.workload: asdict(each) for each in rows}
