"""The documentation keeps what it promises: links lead somewhere, examples are taken."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from proxy.cli.main import certgate
from proxy.config.load import load_config
from tests.gate import ROOT
from tests.pki import server, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# configuration.in.md is what configuration.md is made from; its links are those of the result.
PAGES = sorted(
    path
    for path in {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")}
    if path.name != "configuration.in.md"
)
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def fences(path: Path, *languages: str) -> Iterator[str]:
    """Yield the code blocks of these languages."""
    for _, language, text in _FENCE.findall(path.read_text(encoding="utf-8")):
        if language in languages:
            yield text


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(text)]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    """Files exist, headings exist. Links to other sites are not followed."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield where a certgate command is shown, and its words."""
    for page in PAGES:
        for block in fences(page, "console", "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                for part in line.removeprefix("$ ").split("&&"):
                    words = shlex.split(part, comments=True)
                    if words and words[0] == "certgate":
                        yield f"{page.name}: {part.strip()}", words[1:]


COMMANDS = dict(commands())


@pytest.mark.parametrize("shown", COMMANDS)
def test_every_command_that_is_shown_is_one(shown: str, monkeypatch: pytest.MonkeyPatch):
    """The command exists and takes these arguments; it is parsed, not run."""
    command: click.Command = certgate
    context = click.Context(certgate, info_name="certgate")
    words = [word for word in COMMANDS[shown] if word != ">"]
    while isinstance(command, click.Group) and words:
        rest = _options_of_group(command, words)
        found = command.get_command(context, words[rest])
        assert found is not None, f"no command {words[rest]}"
        command, words = found, words[rest + 1 :]
    # Files of the examples are not here.
    monkeypatch.setattr(click.Path, "convert", lambda _self, value, *_: value)
    command.make_context(command.name, list(words), resilient_parsing=False)


def _options_of_group(group: click.Group, words: list[str]) -> int:
    """Return how many words are a group's own options: ``ca --dir DIR list``."""
    position = 0
    while words[position].startswith("-"):
        option = next(one for one in group.params if words[position] in one.opts)
        position += 1 + int(not getattr(option, "is_flag", False))
    return position


def configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the complete configurations among the examples."""
    for page in PAGES:
        for number, block in enumerate(fences(page, "yaml")):
            values = yaml.safe_load(block)
            if isinstance(values, dict) and {"tls", "client_auth"} <= values.keys():
                yield f"{page.name} {number}", values


CONFIGURATIONS = dict(configurations())


@pytest.mark.parametrize("shown", CONFIGURATIONS)
def test_every_configuration_that_is_shown_is_one(shown: str, tmp_path: Path):
    """An example can be taken as it stands, with files where it names them."""
    server().write(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(trust().ca_pem)
    (tmp_path / "crl.pem").write_bytes(trust().crl_pem)
    (tmp_path / "public").mkdir()
    values = CONFIGURATIONS[shown]
    values["tls"] |= {"certificate": "server.crt", "private_key": "server.key"}
    values["client_auth"] |= {"ca": "ca.crt"}
    if "crl" in values["client_auth"]:
        values["client_auth"]["crl"] = "crl.pem"
    file = tmp_path / "shown.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    config = load_config(file, {})
    assert config.upstreams or all(route.static for route in config.routes)


def test_every_page_is_in_the_index():
    """One page per question: a page that the index does not name is not found."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    named = {link.partition("#")[0] for link in _LINK.findall(index)}
    pages = {path.name for path in PAGES if path.parent.name == "docs"} - {"README.md"}
    assert pages <= named


def test_every_test_that_the_threat_model_names_is_there():
    """A mitigation without its test would be a promise."""
    text = (ROOT / "THREAT_MODEL.md").read_text(encoding="utf-8")
    named = set(re.findall(r"tests/[\w/]+\.py", text))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
