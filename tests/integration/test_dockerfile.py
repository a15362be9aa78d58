"""The image, as far as it can be tried without an engine.

The Dockerfile is read, the commands of its build stage are run in a temporary folder that stands
for the file system, and what they made is started as the image would start it: by the same command,
as the same user (where the tests run as root), with nothing but the image's own environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.gate import ROOT, Client, Output, connect, free_port, missing
from tests.pki import server, trust
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.timeout(600)  # the first test that needs the image waits for its making

_USER = 10001
_IS_ROOT = os.geteuid() == 0
# The absolute paths of the Dockerfile; those of a base image (/usr, /etc) stay as they are.
_IN_IMAGE = re.compile(r"(?<![\w./-])/(?=(?:src|wheel|opt/certgate)\b)")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: ``RUN`` and what follows it."""

    name: str
    value: str


def parse(text: str) -> list[Instruction]:
    """Return the instructions, comments left out and continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages(instructions: list[Instruction]) -> list[list[Instruction]]:
    """Return what comes before the first FROM, then each stage."""
    found: list[list[Instruction]] = [[]]
    for instruction in instructions:
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


BEFORE, BUILD, FINAL = stages(parse((ROOT / "Dockerfile").read_text(encoding="utf-8")))


def only(stage: list[Instruction], name: str) -> str:
    """Return the value of the one instruction of this name."""
    (value,) = (one.value for one in stage if one.name == name)
    return value


def exec_form(value: str) -> list[str]:
    """Return the words of an exec form; the shell form is no JSON and fails."""
    words = json.loads(value[value.index("[") :])
    assert all(isinstance(word, str) for word in words)
    return words


def test_the_base_image_can_be_chosen() -> None:
    """Another base is one --build-arg, for both stages, and there is a default."""
    arguments = dict(one.value.split("=", 1) for one in BEFORE if one.name == "ARG")
    assert arguments["BASE"]
    assert arguments["BUILD_BASE"] == "${BASE}"
    assert only(BUILD, "FROM").split()[0] == "${BUILD_BASE}"
    assert only(FINAL, "FROM") == "${BASE}"


def test_nothing_of_the_build_stays_but_the_installed_program() -> None:
    """The last stage runs no command and takes one folder."""
    assert [one.value for one in FINAL if one.name in ("COPY", "ADD")] == [
        "--from=build /opt/certgate /opt/certgate"
    ]
    assert not [one for one in FINAL if one.name == "RUN"]


def test_it_does_not_run_as_root() -> None:
    """The user is a number, which Kubernetes' runAsNonRoot can check."""
    assert only(FINAL, "USER") == f"{_USER}:{_USER}"


def test_signals_reach_the_proxy_itself() -> None:
    """No shell stands between the engine and certgate, which is process 1."""
    assert exec_form(only(FINAL, "ENTRYPOINT")) == ["certgate"]
    assert exec_form(only(FINAL, "CMD")) == ["serve"]
    assert exec_form(only(FINAL, "HEALTHCHECK")) == ["certgate", "healthcheck"]
    assert only(FINAL, "STOPSIGNAL") == "SIGTERM"
    assert only(FINAL, "EXPOSE") == "8443"


def test_the_builder_sees_what_is_copied_and_no_key() -> None:
    """Everything is shut out but the sources of COPY; keys are, even among those."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    sources = {source for one in BUILD if one.name == "COPY" for source in one.value.split()[:-1]}
    assert patterns[0] == "*"
    assert {pattern[1:] for pattern in patterns if pattern.startswith("!")} == sources
    last_exception = max(at for at, pattern in enumerate(patterns) if pattern.startswith("!"))
    assert {"**/*.key", "**/*.p12"} <= set(patterns[last_exception:])


def test_every_package_of_the_image_has_one_version() -> None:
    """Two builds of one commit install the same."""
    lines = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if line and not line.startswith("#")]
    assert requirements
    assert [line for line in requirements if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


@dataclass(frozen=True, slots=True)
class Container:
    """What is started from the image.

    Attributes:
        root: the folder that stands for the image's file system.
        home: the folder that stands for the working directory, where configuration is mounted.
    """

    root: Path
    home: Path

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the image's environment, with what ``docker run -e`` adds."""
        made = {"PATH": os.defpath}
        for name, value in assignments(FINAL):
            made[name] = placed(value, self.root).replace("${PATH}", made["PATH"])
        return made | given

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a container, as the image's user where that can be."""
        become = [f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", "--no-new-privs"]
        launcher = ["setpriv", *become] if _IS_ROOT else []
        words = [*exec_form(only(FINAL, "ENTRYPOINT")), *arguments]
        program = shutil.which(words[0], path=self.root / "opt/certgate/bin")
        assert program, f"{words[0]} is not installed in the image"
        return [*launcher, program, *words[1:]]

    def run(self, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, like ``docker run``."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            check=False,
            cwd=self.home,
            env=self.environment(given),
            text=True,
            timeout=60,
        )

    @contextmanager
    def start(self, **given: str) -> Iterator[Output]:
        """Run the image's own command until the block ends, then stop it like ``docker stop``."""
        process = subprocess.Popen(
            self.command(*exec_form(only(FINAL, "CMD"))),
            cwd=self.home,
            env=self.environment(given),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert process.stderr
        stderr = Output(process.stderr, "image stderr")
        try:
            stderr.wait_for("certgate: listening on")
            yield stderr
        finally:
            process.send_signal(signal.Signals[only(FINAL, "STOPSIGNAL")])
            code = process.wait(30)
            stderr.join()
        assert code == 0, stderr.text


def assignments(stage: list[Instruction]) -> list[tuple[str, str]]:
    """Return the variables that ENV sets."""
    words = [word for one in stage if one.name == "ENV" for word in shlex.split(one.value)]
    return [(name, value) for name, _, value in (word.partition("=") for word in words)]


def placed(text: str, root: Path) -> str:
    """Return a command or a path with the image's paths inside the folder."""
    return _IN_IMAGE.sub(f"{root}/", text)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the build stage makes: once a test run, although pytest-xdist may ask in each worker.

    It is outside pytest's own folder, which only the user who runs the tests may enter.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    root = Path(tempfile.gettempdir()) / f"certgate-image-{run}"
    with (shared / "image.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _build(root, _base_python())
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield root
        with suppress(BlockingIOError):  # another worker still uses it, and will remove it
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(root)


@pytest.fixture
def container(image: Path) -> Iterator[Container]:
    """A container that is not started yet, with an empty working directory."""
    home = Path(tempfile.mkdtemp(prefix="certgate-container-"))
    home.chmod(0o755)
    yield Container(image, home)
    shutil.rmtree(home)


def _build(root: Path, python: Path) -> None:
    # The cache of the person who runs the tests saves a download; the image must not hold one.
    variables = {name: value for name, value in assignments(BUILD) if name != "PIP_NO_CACHE_DIR"}
    environment = {**os.environ, **variables, "PATH": f"{root}/base/bin:{os.environ['PATH']}"}
    root.mkdir(mode=0o755)
    folder = root
    try:
        # A base image has pip beside its python3; here a virtual environment stands for that.
        _run(f"{python} -m venv {root}/base", root, environment)
        for one in BUILD:
            if one.name == "WORKDIR":
                folder = Path(placed(one.value, root))
                folder.mkdir(parents=True, exist_ok=True)
            elif one.name == "COPY":
                _copy(one.value, folder)
            elif one.name == "RUN":
                _run(placed(one.value, root), folder, environment)
    except BaseException:
        shutil.rmtree(root)
        raise


def _run(command: str, folder: Path, environment: dict[str, str]) -> None:
    words = ["sh", "-ec", command]
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def _copy(value: str, folder: Path) -> None:
    *sources, target = value.split()
    for source in sources:
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, folder / target, ignore=ignored)
        else:
            shutil.copy(ROOT / source, folder / target)


def _base_python() -> Path:
    """Return a python3 that the image's user may run, as a base image has one."""
    become = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
    prove = ["-c", "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"]
    for folder in (f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin"):
        python = Path(folder, "python3")
        if python.exists() and _succeeds([*(become if _IS_ROOT else []), str(python), *prove]):
            return python
    return missing("no python3 from 3.11 on for all users: sudo apt-get install python3-venv")


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0


@pytest.fixture
def mounted(container: Container) -> Path:
    """The folder that compose.yaml mounts, owned by the image's user, the key for it alone."""
    folder = container.home / "gate"
    folder.mkdir(mode=0o700)
    server().write(folder, "server")
    (folder / "ca.crt").write_bytes(trust().ca_pem)
    (folder / "crl.pem").write_bytes(trust().crl_pem)
    (folder / "server.key").chmod(0o600)
    if _IS_ROOT:
        for path in (folder, *folder.iterdir()):
            os.chown(path, _USER, _USER)
    return folder


@pytest.fixture
def app() -> Iterator[Recorder]:
    """The app behind the gate."""
    with Recorder() as recorder:
        yield recorder


def by_environment(port: int, app: Recorder) -> dict[str, str]:
    """Return the variables that configure one app without a file."""
    return {
        "CERTGATE_LISTEN": f"127.0.0.1:{port}",
        "CERTGATE_UPSTREAM": app.url,
        "CERTGATE_CERTIFICATE": "gate/server.crt",
        "CERTGATE_PRIVATE_KEY": "gate/server.key",
        "CERTGATE_CLIENT_CA": "gate/ca.crt",
        "CERTGATE_CRL": "gate/crl.pem",
    }


def statuses(port: int) -> dict[str, int]:
    """Return what a good client, a revoked one and one without a certificate are answered."""
    found = {}
    for who in ("good", "revoked", "none"):
        with connect(port, who) as client:
            assert isinstance(client, Client)
            found[who] = client.get("/").status
    return found


@pytest.mark.slow
def test_the_environment_alone_configures_it(
    container: Container, mounted: Path, app: Recorder
) -> None:
    """Six variables and a mounted folder are a gate, and the health check follows it."""
    port = free_port()
    given = by_environment(port, app)
    health = exec_form(only(FINAL, "HEALTHCHECK"))[1:]
    assert container.run(*health, **given).returncode == 1
    with container.start(**given):
        assert statuses(port) == {"good": 200, "revoked": 403, "none": 403}
        checked = container.run(*health, **given)
        assert checked.returncode == 0, checked.stderr
    assert container.run(*health, **given).returncode == 1


@pytest.mark.slow
def test_a_mounted_file_configures_it(container: Container, mounted: Path, app: Recorder) -> None:
    """The configuration of compose.yaml, with another port and another app, is a gate."""
    port = free_port()
    values = yaml.safe_load((ROOT / "deploy" / "certgate.yaml").read_text(encoding="utf-8"))
    assert values["listen"] == "0.0.0.0:8443"
    values |= {"listen": f"127.0.0.1:{port}", "upstream": app.url}
    file = container.home / "config.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    given = {"CERTGATE_CONFIG": str(file)}
    with container.start(**given):
        assert statuses(port) == {"good": 200, "revoked": 403, "none": 403}
        assert container.run("healthcheck", **given).returncode == 0


@pytest.mark.slow
def test_without_a_configuration_it_says_how_to_give_one(container: Container) -> None:
    """A container that was started with nothing ends with one line that names the variables."""
    done = container.run(*exec_form(only(FINAL, "CMD")))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "CERTGATE_CONFIG" in line
    assert "CERTGATE_UPSTREAM" in line


@pytest.mark.slow
def test_a_key_that_the_images_user_cannot_read_is_named(
    container: Container, mounted: Path, app: Recorder
) -> None:
    """A 0600 key of somebody else, the usual mistake, gets one line with the file and the user."""
    key = mounted / "server.key"
    if _IS_ROOT:
        os.chown(key, 0, 0)
    else:
        key.chmod(0o000)
    done = container.run("serve", **by_environment(free_port(), app))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "CERTGATE_PRIVATE_KEY" in line
    assert "server.key" in line
    assert "not readable" in line
    assert f"uid {_USER if _IS_ROOT else os.geteuid()}" in line


@pytest.mark.slow
def test_the_image_has_no_tool_to_build_or_install_with(container: Container) -> None:
    """Neither pip nor a build backend is among what is copied into the last stage."""
    python = container.root / "opt/certgate/bin/python3"
    for module in ("pip", "setuptools", "hatchling", "build"):
        done = subprocess.run(
            [python, "-I", "-c", f"import {module}"], check=False, capture_output=True
        )
        assert done.returncode != 0, f"{module} is in the image"
