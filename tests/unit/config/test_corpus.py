"""Golden files: every kind of configuration, and literally what is said about the bad ones.

``tests/corpus/config/good/NAME.yaml`` loads as ``NAME.json``; ``bad/NAME.yaml`` is refused with the
lines of ``NAME.txt``. ``{folder}`` stands for the corpus' folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proxy.config.dump import dump
from proxy.config.load import load, parse
from proxy.errors import ConfigError

CORPUS = Path(__file__).parents[2] / "corpus" / "config"
GOOD = sorted((CORPUS / "good").glob("*.yaml"))
BAD = sorted((CORPUS / "bad").glob("*.yaml"))
ENVIRON = {
    "CERTS": "..",
    "HOST": "127.0.0.1",
    "EMPTY": "",
    "LINES": "8443\n",
    "INJECTED": "3000\nclient_auth: {ca: evil.crt}",
}


def shown(text: str, folder: Path) -> str:
    return text.replace(f"{folder}/", "").replace(str(CORPUS), "{folder}")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_configuration_loads_as_expected(path: Path):
    loaded = load(path, ENVIRON)
    found = json.loads(shown(loaded.config.model_dump_json(), path.parent))
    assert found == json.loads(path.with_suffix(".json").read_text())
    assert loaded.warnings == []


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_dumped_configuration_loads_as_itself(path: Path):
    config = load(path, ENVIRON).config
    assert parse(dump(config), "dumped", Path("/"), {}).config == config


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_configuration_is_refused_with_all_its_problems(path: Path):
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRON)
    assert shown(str(caught.value), path.parent) + "\n" == path.with_suffix(".txt").read_text()


def test_every_expectation_has_its_input():
    expected = [*(CORPUS / "good").glob("*.json"), *(CORPUS / "bad").glob("*.txt")]
    assert sorted(path.with_suffix(".yaml") for path in expected) == sorted(GOOD + BAD)
