"""The written word about the configuration: the page is current, the example is true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from proxy.config.load import parse

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "config.example.yaml"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_configuration", ROOT / "docs" / "generate_configuration.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder in which the files of the example exist."""
    for name in (
        "server.crt",
        "server.key",
        "ca/ca.crt",
        "ca/crl.pem",
        "other.crt",
        "other.key",
        "../errors/403.html",
        "../errors/404.html",
        "../errors/5xx.html",
    ):
        path = tmp_path / "certs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "certs" / "passphrase.txt").write_text("x")
    (tmp_path / "public").mkdir()
    return tmp_path


def joined(text: str) -> str:
    """Return the example with every mapping on one line."""
    return re.sub(r",(?: +# .*)?\n# {8,}(?=[a-z])", ", ", text)


def test_the_page_is_what_the_script_writes():
    """When this fails: PYTHONPATH=. python docs/generate_configuration.py"""
    assert (ROOT / "docs" / "configuration.md").read_text() == script().render()


def test_each_yaml_block_of_the_page_loads(folder: Path):
    page = (ROOT / "docs" / "configuration.md").read_text()
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        assert parse(block, "page", folder, {}).warnings == []


PAGES = ("rewriting", "static-files", "limits", "listening", "upstreams")
BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(
        r"^```yaml\n(.*?)^```", (ROOT / "docs" / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE
    )
]


def completed(block: str) -> str:
    """Return a part of a configuration with what it takes to be a whole one."""
    if block.startswith(" "):
        block = "routes:\n  - path: /app/\n    upstream_path: /\n" + block
    found = yaml.safe_load(block)
    whole = {
        "tls": "{certificate: certs/server.crt, private_key: certs/server.key}",
        "client_auth": "{ca: certs/ca/ca.crt}",
    }
    routes = found.get("routes", [{}])
    apps = {route["upstream"]: {"servers": "3000"} for route in routes if "upstream" in route}
    if apps:
        whole["upstreams"] = yaml.safe_dump(apps, default_flow_style=True).strip()
    elif not {"upstream", "upstreams"} & set(found):
        whole["upstream"] = "3000"
    missing = [f"{key}: {value}\n" for key, value in whole.items() if key not in found]
    return block + "".join(missing)


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[page for page, _ in BLOCKS])
def test_each_yaml_block_of_a_guide_loads_once_it_is_whole(folder: Path, page: str, block: str):
    parse(completed(block), page, folder, {})


def test_the_example_loads(folder: Path):
    assert parse(EXAMPLE.read_text(), "example", folder, {}).warnings == []


def test_what_the_example_comments_out_are_the_defaults(folder: Path):
    """Removing the comment signs changes nothing; so the example cannot go stale."""
    text = EXAMPLE.read_text()
    plain = parse(text, "example", folder, {}).config
    one_line = joined(text)
    switched_on = re.sub(
        r"(?m)^( *)# (?=(min_version|intermediates|crl_|verify_|reject_|status|detail|identity_"
        r"|limits|timeouts|access_log))",
        r"\1",
        one_line,
    )
    assert switched_on.count("\n# ") < one_line.count("\n# ")
    assert parse(switched_on, "example", folder, {}).config == plain


def test_everything_that_the_example_shows_can_be_switched_on(folder: Path):
    text = EXAMPLE.read_text().replace("\nupstream:", "\n# upstream:")
    text = joined(text)
    lines = [re.sub(r"^( *)# (?=( *- |[a-z_ ]+: ?|$))", r"\1", line) for line in text.splitlines()]
    keys = [line for line in lines if re.match(r" *(- )?[{a-z_]+: ?", line)]
    text = "\n".join(line for line in keys if not line.startswith("upstream: "))
    config = parse(text, "example", folder, {}).config
    assert set(yaml.safe_load(text)) == set(type(config).model_fields) - {"upstream", "workers"}
