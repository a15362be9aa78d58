"""pydantic's errors in the words of this project: what is wrong, and what to do about it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from proxy.config.later import is_planned
from proxy.config.units import quoted, span_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic_core import ErrorDetails


# What people write for an empty list.
_NOTHING: Final = frozenset({"off", "no", "none", "false"})
_EMPTY: Final = "; write [] for none of them"
# What 0 means for the timeouts of nginx and others.
_NO_LIMIT: Final = "0 is not “no limit” here: write a long time, e.g. 1d"
_ZERO_TIMEOUTS: Final[dict[int | str, str]] = {
    "keepalive": "to close after each response write 1ms",
}
# As many keys as a line can list.
_FEW: Final = 12


def nearest_to(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean …?``, or nothing when no known word is near."""
    by_folded = {name.lower(): name for name in known}
    near = get_close_matches(word.lower().replace("-", "_"), by_folded, n=1, cutoff=0.65)
    return f"; did you mean {by_folded[near[0]]}?" if near else ""


def message_of(error: ErrorDetails, schema: type[BaseModel]) -> str:
    """Return what to tell the operator about one error that ``schema`` found."""
    if error["type"] == "extra_forbidden":
        return _unknown_key(error["loc"], schema)
    if error["type"] in {"model_type", "model_attributes_type"}:
        return "expects keys of its own" + _listed(_keys_at(error["loc"], schema))
    return _WORDING.get(error["type"], _own_words)(error)


def _unknown_key(place: tuple[str | int, ...], schema: type[BaseModel]) -> str:
    if is_planned(place):
        return "is not in this version; remove the key"
    known = _keys_at(place[:-1], schema)
    near = nearest_to(str(place[-1]), known)
    return "is not a key" + (near or _listed(known))


def _listed(keys: list[str]) -> str:
    return f"; the keys here are {', '.join(keys)}" if 0 < len(keys) <= _FEW else ""


def _keys_at(place: tuple[str | int, ...], schema: type[BaseModel]) -> list[str]:
    section: type[BaseModel] | None = schema
    for part in place:
        if section is not None and isinstance(part, str) and part in section.model_fields:
            section = section_in(section.model_fields[part].annotation)
    return list(section.model_fields) if section is not None else []


def section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field of this type holds, be it in a tuple or a dict."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


def _literal(error: ErrorDetails) -> str:
    expected = error["ctx"]["expected"]
    words = expected.replace("'", "").replace(" or ", ", ").split(", ")
    value = error["input"]
    if not isinstance(value, str):
        return f"expects one of {', '.join(words)}"
    advice = _EMPTY if value.lower() in _NOTHING and _is_entry(error) else nearest_to(value, words)
    return f"{quoted(value)} is none of {', '.join(words)}{advice}"


def _is_entry(error: ErrorDetails) -> bool:
    return isinstance(error["loc"][-1], int)


def _bound(limit: float) -> str:
    """Return a limit as it would be written; of the numbers only time spans are no whole ones."""
    return span_text(limit) if isinstance(limit, float) else str(limit)


def _at_least(error: ErrorDetails) -> str:
    message = f"has to be at least {_bound(error['ctx']['ge'])}"
    if error["loc"][0] == "timeouts" and not error["input"]:
        return f"{message}; {_ZERO_TIMEOUTS.get(error['loc'][-1], _NO_LIMIT)}"
    return message


def _own_words(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ")


_WORDING: Final[dict[str, Callable[[ErrorDetails], str]]] = {
    "missing": lambda _: "is required and missing",
    "literal_error": _literal,
    "greater_than_equal": _at_least,
    "less_than_equal": lambda error: f"may be at most {_bound(error['ctx']['le'])}",
    "too_short": lambda _: "is an empty list; name at least one",
    "dict_type": lambda _: "expects keys of its own (a mapping)",
    "tuple_type": lambda _: "expects a list",
    "string_type": lambda _: "expects a text",
    "int_type": lambda _: "expects a whole number",
    "float_type": lambda _: "expects a number",
    "is_instance_of": lambda _: "expects a text",
    "path_type": lambda _: "expects a file name",
}
