"""The templates: compiled once, escaping by default, styles and scripts pinned by their hashes."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from proxy.web.moments import say_moment
from proxy.web.untrusted import printable

_FOLDER: Final = Path(__file__).with_name("templates")


def read_asset(name: str) -> str:
    """Return the text of a style sheet or script of ours."""
    return _FOLDER.joinpath(name).read_text("utf-8")


def load_template(name: str, **assets: str) -> Template:
    """Compile a template.

    Args:
        name: the file's name.
        assets: our own styles and scripts; they go into the page as they are.
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    draw = vars(environment.get_template("icons.html").module)["icon"]
    # Drawn once each: the macro took 40 % of a page's time.
    environment.filters |= {"icon": cache(draw), "moment": say_moment, "printable": printable}
    # Never a value of a request: only files of this package come in unescaped.
    environment.globals |= {key: Markup(text) for key, text in assets.items()}  # noqa: S704
    return environment.get_template(name)


def csp_hash(text: str) -> str:
    """Return the source expression that allows this inline text alone (CSP Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
