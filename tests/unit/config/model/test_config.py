"""The model as a program sees it: built in code, frozen, and documented field by field."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from proxy.config import model
from proxy.config.addresses import Server
from proxy.config.descriptions import descriptions_of
from proxy.config.model import Config

SECTIONS = [
    section
    for section in vars(model).values()
    if isinstance(section, type) and issubclass(section, BaseModel)
]
VALUES = {
    "tls": {"certificate": "c", "private_key": "k"},
    "client_auth": {"ca": ["ca"]},
    "upstream": "http://app:3000",
}


def test_a_configuration_can_be_built_in_code():
    config = Config.model_validate(VALUES | {"timeouts": {"head": 3}, "limits": {"body": 10}})
    assert config.tls.certificate == Path("c")
    assert config.upstreams["app"].servers[0].url == Server("app", 3000)
    assert [(route.path, route.upstream) for route in config.routes] == [("/", "app")]
    assert config.timeouts.head == 3.0
    assert config.limits.body == 10


def test_the_defaults_are_those_of_the_contract():
    config = Config.model_validate(VALUES)
    assert config.limits.model_dump() == {
        "head": 32768,
        "fields": 100,
        "body": 0,
        "connections": 0,
        "connections_per": {"certificate": 0, "address": 0},
        "requests": (),
        "min_rate": 240,
    }
    assert config.timeouts.model_dump() == {
        "handshake": 10,
        "head": 15,
        "body": 60,
        "send": 60,
        "keepalive": 75,
        "connect": 5,
        "response": 60,
        "tunnel": 3600,
        "shutdown": 30,
    }
    assert config.identity_headers == ("x-ssl-client", "client-cert")
    assert config.client_auth.model_dump(exclude={"ca"}) == {
        "intermediates": (),
        "crl": (),
        "crl_check": "leaf",
        "crl_stale": "refuse",
        "verify_depth": 3,
        "reject_with": "page",
        "status": 403,
        "detail": "full",
    }


def test_a_configuration_cannot_be_changed():
    config = Config.model_validate(VALUES)
    with pytest.raises(ValidationError):
        config.workers = 1


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_tells_its_meaning_and_its_default(section: type[BaseModel]):
    texts = descriptions_of(section)
    for name, field in section.model_fields.items():
        assert texts[name], name
        is_section = isinstance(field.default, BaseModel) or name in {"upstream", "upstreams"}
        if not is_section:
            told = "Required." if field.is_required() else "Default: "
            assert told in " ".join(texts[name].split()), name
