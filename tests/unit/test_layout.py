"""Whoever opens a module finds its tests at the same place, and the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PROXY, _UNIT = _ROOT / "proxy", _ROOT / "tests" / "unit"

# Nothing to test by itself: packages' docstrings and re-exports, and one call of ``main``.
_WITHOUT_TESTS = {"__init__.py", "__main__.py"}

# Migrations are run by every test of the store.
_MIGRATIONS = Path("ca/store/migrations")

_STORE = "tests/unit/ca/store/test_store.py"
_CONFIG = "tests/unit/config/model/test_config.py"
_CORPUS = "tests/unit/config/test_corpus.py"
_SNAPSHOT = "tests/unit/snapshot/test_build.py"
_SHAPING = "tests/unit/server/test_shaping.py"
_OTHER_COMMANDS = "tests/integration/ca/test_other_commands.py"
# Modules whose behaviour is seen only through another one, and where it is tested instead.
_HELD_ELSEWHERE = {
    # tables and values
    "identity/attribute_types.py": "tests/unit/identity/test_dn.py",
    "identity/codes.py": "tests/unit/identity/test_verdict.py",
    "identity/peer.py": "tests/unit/identity/test_verdict.py",
    "server/asking.py": "tests/unit/server/test_exchange.py",
    "server/route_lookup.py": "tests/unit/server/test_exchange.py",
    "server/pages.py": "tests/unit/server/test_exchange.py",
    "server/visits.py": "tests/unit/server/test_throttle.py",
    "server/responder.py": "tests/unit/server/test_exchange.py",
    "server/balance.py": "tests/unit/server/test_group.py",
    "server/peer.py": "tests/unit/server/test_group.py",
    "server/stored_forwarding.py": "tests/unit/server/test_storing.py",
    "server/tier.py": "tests/unit/server/test_group.py",
    "server/upstream_handlers.py": "tests/unit/server/test_upstream.py",
    "http1/messages.py": "tests/unit/http1/test_head.py",
    "config/environment_names.py": "tests/unit/config/test_environment.py",
    "config/later.py": "tests/unit/config/test_load.py",
    "config/wording.py": "tests/unit/config/test_load.py",
    "ca/store/records.py": _STORE,
    "ca/store/schema.py": "tests/unit/ca/store/test_migrate.py",
    # sections of the configuration: tried as parts of a whole one
    "config/model/access_log.py": _CONFIG,
    "config/model/answers.py": _CONFIG,
    "config/model/bounds.py": _CONFIG,
    "config/model/client_auth.py": _CONFIG,
    "config/model/headers.py": _CONFIG,
    "config/model/listening.py": _CONFIG,
    "config/model/routes.py": _CONFIG,
    "config/model/section.py": _CONFIG,
    "config/model/upstreams.py": _CONFIG,
    "config/model/values.py": _CONFIG,
    # parts of one value, built together
    "snapshot/answers.py": _SHAPING,
    "snapshot/bounds.py": _SNAPSHOT,
    "snapshot/faults.py": _SNAPSHOT,
    "snapshot/mapping.py": _SHAPING,
    "snapshot/routes.py": _SNAPSHOT,
    "snapshot/trust.py": _SNAPSHOT,
    "snapshot/upstreams.py": _SNAPSHOT,
    # what certgate up finds and says is held by the command as a whole
    "cli/up/announcement.py": "tests/blackbox/test_up.py",
    "cli/up/existing.py": "tests/blackbox/test_up_mistakes.py",
    # steps of reading a file: what counts is the line that the operator is told
    "config/dump.py": "tests/property/test_config.py",
    "config/answer_rules.py": _CORPUS,
    "config/findings.py": _CORPUS,
    "config/header_rules.py": _CORPUS,
    "config/route_rules.py": _CORPUS,
    "config/rules.py": _CORPUS,
    "config/value_tree.py": "tests/unit/config/test_environment.py",
    "config/yaml_tree.py": "tests/unit/config/test_corpus.py",
    # parts of one transaction
    "ca/store/changes.py": _STORE,
    "ca/store/engine.py": _STORE,
    "ca/store/queries.py": _STORE,
    # commands, run as a user types them
    "cli/unix_socket.py": "tests/blackbox/test_unix_listener.py",
    "cli/inspection.py": "tests/unit/cli/test_check.py",
    "cli/ca/export.py": _OTHER_COMMANDS,
    "cli/ca/init.py": "tests/integration/ca/test_init_command.py",
    "cli/ca/issue.py": "tests/integration/ca/test_issue_command.py",
    "cli/ca/listing.py": _OTHER_COMMANDS,
    "cli/ca/options.py": _OTHER_COMMANDS,
    "cli/ca/output.py": _OTHER_COMMANDS,
    "cli/ca/passphrase.py": "tests/integration/ca/test_init_command.py",
    "cli/ca/renew.py": _OTHER_COMMANDS,
    "cli/ca/revoke.py": _OTHER_COMMANDS,
    "cli/ca/sign.py": _OTHER_COMMANDS,
}

# Tests of what several modules, or a document, promise together.
_WITHOUT_MODULE = {
    "config/test_corpus.py": "files that must be refused, each with the words for it",
    "config/test_written_otherwise.py": "what people write out of habit, and the words for it",
    "config/test_documentation.py": "the pages about the configuration name every key",
    "forward/test_identity_headers_guide.py": "the page about identity headers is true",
    "http1/test_corpus.py": "messages that smuggle, each with its answer",
    "tls/test_resumption.py": "no session can be resumed, by whatever part",
    "test_layout.py": "this file",
}


def _modules() -> list[Path]:
    found = (path.relative_to(_PROXY) for path in _PROXY.rglob("*.py"))
    return sorted(
        path
        for path in found
        if path.name not in _WITHOUT_TESTS and not path.is_relative_to(_MIGRATIONS)
    )


def _mirrored(module: Path) -> Path:
    return module.with_name(f"test_{module.name}")


def _tests() -> list[Path]:
    return sorted(path.relative_to(_UNIT) for path in _UNIT.rglob("test_*.py"))


@pytest.mark.parametrize("module", _modules(), ids=str)
def test_every_module_has_its_tests(module: Path):
    elsewhere = _HELD_ELSEWHERE.get(module.as_posix())
    place = _ROOT / elsewhere if elsewhere else _UNIT / _mirrored(module)
    assert place.exists(), f"{module}: no {place.relative_to(_ROOT)}"


@pytest.mark.parametrize("tests", _tests(), ids=str)
def test_every_test_file_has_its_module(tests: Path):
    module = tests.with_name(tests.name.removeprefix("test_"))
    assert (_PROXY / module).exists() or tests.as_posix() in _WITHOUT_MODULE


def test_the_exceptions_still_exist():
    assert all((_PROXY / module).exists() for module in _HELD_ELSEWHERE)
    assert all((_UNIT / tests).exists() for tests in _WITHOUT_MODULE)
