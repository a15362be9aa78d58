"""A folder that is served must not hold what nobody may download."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from proxy.config.load import parse
from proxy.config.model import Config
from proxy.errors import ConfigError
from tests.unit.config.configs import CORPUS

if TYPE_CHECKING:
    from pathlib import Path

SERVED = "routes: [{path: /, static: site}]\n"
TLS = "tls: {certificate: server.crt, private_key: server-key.pem}\n"
CA = "client_auth: {ca: ca.crt}\n"
APP = "upstreams: {app: {servers: https://a, tls: {certificate: server.crt, private_key: %s}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with all files of a configuration, and one to be served in it."""
    shutil.copytree(CORPUS, tmp_path, dirs_exist_ok=True)
    return tmp_path


def problems(text: str, folder: Path) -> str:
    try:
        parse(text, "gate.yaml", folder, {})
    except ConfigError as error:
        return str(error)
    return ""


def handed_out(path: Path, text: str, folder: Path) -> bool:
    """Tell whether this file, and no other, is what the folder must not hold."""
    line = f"{path} lies in this folder, and would be handed out; move it"
    found = problems(text, folder)
    return found.count("lies in this folder") == 1 and line in found


def test_a_harmless_folder_is_taken(folder: Path):
    assert problems(TLS + CA + SERVED, folder) == ""


@pytest.mark.parametrize(
    "text",
    [
        TLS.replace("server-key.pem", "site/key") + CA,
        TLS.replace("}", ", private_key_passphrase_file: site/key}") + CA,
        TLS.replace(
            "}", ", server_names: [{name: a, certificate: server.crt, private_key: site/key}]}"
        )
        + CA,
        TLS + CA + APP % "site/key",
    ],
    ids=["server's key", "its passphrase", "key of another name", "key for an app"],
)
def test_no_key_may_lie_in_it(folder: Path, text: str):
    shutil.copy(folder / "server-key.pem", folder / "site" / "key")
    served = SERVED.replace("routes: [", "routes: [{path: /app, upstream: app}, ")
    assert handed_out(
        folder / "site" / "key", text + (served if "upstreams" in text else SERVED), folder
    )


def test_the_key_of_the_authority_may_not_lie_in_it(folder: Path):
    """The configuration does not name it, but ``certgate ca init`` puts it beside the CA."""
    shutil.copy(folder / "ca.crt", folder / "site" / "ca.crt")
    text = TLS + CA.replace("ca.crt", "site/ca.crt") + SERVED
    assert problems(text, folder) == ""  # the certificate alone is nothing to hide
    (folder / "site" / "ca.key").write_text("x")
    assert handed_out(folder / "site" / "ca.key", text, folder)


def test_a_link_to_the_folder_of_a_key_is_seen_through(folder: Path):
    (folder / "link").symlink_to(folder)
    text = TLS + CA + SERVED.replace("site", "link")
    assert handed_out(folder / "server-key.pem", text, folder)


def test_a_configuration_made_in_code_is_not_looked_into(folder: Path):
    values = parse(TLS + CA + SERVED, "gate.yaml", folder, {}).config.model_dump(exclude_unset=True)
    values["routes"][0]["static"] = str(folder)
    values = {key: values[key] for key in ("tls", "client_auth", "routes")}
    assert Config.model_validate(values, strict=False).routes[0].static == folder
