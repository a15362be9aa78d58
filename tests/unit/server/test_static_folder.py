"""A path leads to a regular file of the folder, or nowhere, whoever changes the folder."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from proxy.http1.messages import ProtocolError
from proxy.server import static_folder
from proxy.server.static_folder import open_file
from proxy.snapshot import StaticFiles
from tests.privileges import open_folder, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = b"secret"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the one that is served, with a secret in it."""
    made = tmp_path / "public-not"  # the other one's name is the start of its name
    made.mkdir()
    (made / "secret").write_bytes(SECRET)
    return made


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """The folder that is served."""
    made = tmp_path / "public"
    (made / "sub" / "deep").mkdir(parents=True)
    (made / "index.html").write_bytes(b"home")
    (made / "a.txt").write_bytes(b"a")
    (made / "sub" / "b.txt").write_bytes(b"b")
    return made


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Nothing stays open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def content(public: Path, *names: bytes, index: tuple[bytes, ...] = (b"index.html",)) -> bytes:
    """Return what a path of these segments gets."""
    opened = open_file(StaticFiles(os.fsencode(public), index, 0), names)
    assert opened is not None
    with os.fdopen(opened.descriptor, "rb") as file:
        data = file.read()
    assert len(data) == opened.found.size
    return data


def status(public: Path, *names: bytes, index: tuple[bytes, ...] = (b"index.html",)) -> int:
    """Return the status code that a path of these segments gets."""
    with pytest.raises(ProtocolError) as caught:
        open_file(StaticFiles(os.fsencode(public), index, 0), names)
    return caught.value.status


def test_a_path_is_a_file(public: Path):
    assert content(public, b"a.txt") == b"a"
    assert content(public, b"sub", b"b.txt") == b"b"


def test_what_is_known_about_it(public: Path):
    os.utime(public / "a.txt", ns=(1, 5))
    opened = open_file(StaticFiles(os.fsencode(public), (), 0), (b"a.txt",))
    assert opened is not None
    os.close(opened.descriptor)
    assert opened.found == (b"a.txt", 1, 5)


def test_a_folder_is_its_index(public: Path):
    assert content(public, b"") == b"home"
    assert content(public, b"", index=(b"none.html", b"a.txt", b"index.html")) == b"a"
    assert status(public, b"sub", b"") == 403
    assert status(public, b"", index=()) == 403


def test_an_index_has_to_be_a_file(public: Path):
    (public / "sub" / "index.html").mkdir()
    assert status(public, b"sub", b"") == 404


@pytest.mark.parametrize("segments", [(b"sub",), (b"sub", b"deep"), ()])
def test_a_folder_without_its_slash_is_told_apart(public: Path, segments: tuple[bytes, ...]):
    assert open_file(StaticFiles(os.fsencode(public), (), 0), segments) is None


@pytest.mark.parametrize(
    "segments",
    [
        (b"none",),
        (b"none", b""),
        (b"none", b"a.txt"),
        (b"a.txt", b""),  # a file is no folder
        (b"a.txt", b"b.txt"),
        (b"A.TXT",),
        (b"x" * 256,),
        (b"x" * 200,) * 30,
        (b"a.txt\x00.png",),
        (b"sub/b.txt",),
        (b"../public-not/secret",),
        (b"..\\public-not\\secret",),
        (b"\\",),
        (b"/etc/passwd",),
        (b"\xff",),
    ],
)
def test_what_is_not_there_is_404(public: Path, outside: Path, segments: tuple[bytes, ...]):
    assert status(public, *segments) == 404


@pytest.mark.parametrize(
    "segments",
    [
        (b".env",),
        (b".git", b"config"),
        (b".git", b""),
        (b".git",),
        (b"sub", b".well-known"),
        (b".well-known", b".hidden"),
        (b"..",),
        (b"..", b"public-not", b"secret"),
        (b".",),
        (b"...",),
    ],
)
def test_what_begins_with_a_dot_is_hidden(public: Path, outside: Path, segments: tuple[bytes, ...]):
    (public / ".git").mkdir()
    (public / ".well-known").mkdir()
    for hidden in (".env", ".git/config", ".well-known/.hidden", "sub/.well-known", "..."):
        (public / hidden).write_bytes(SECRET)
    assert status(public, *segments) == 404


def test_well_known_things_are_not_hidden(public: Path):
    """RFC 8615; ACME and others put files there."""
    (public / ".well-known").mkdir()
    (public / ".well-known" / "security.txt").write_bytes(b"contact")
    assert content(public, b".well-known", b"security.txt") == b"contact"


@pytest.mark.parametrize("target", ["secret", ".", "../public-not/secret"])
def test_a_link_that_leads_out_is_404(public: Path, outside: Path, target: str):
    (public / "link").symlink_to(outside / target)
    (public / "relative").symlink_to(Path("..") / "public-not" / target)
    for name in (b"link", b"relative"):
        assert status(public, name) == 404
        assert status(public, name, b"") == 404
        assert status(public, name, b"secret") == 404


def test_a_folder_without_its_slash_tells_nothing_about_what_lies_outside(
    public: Path, outside: Path
):
    (public / "link").symlink_to(outside)
    assert status(public, b"link") == 404


def test_an_index_that_leads_out_is_404(public: Path, outside: Path):
    (public / "sub" / "index.html").symlink_to(outside / "secret")
    assert status(public, b"sub", b"") == 404


@pytest.mark.parametrize(
    "target", ["/proc/self/environ", "/etc/passwd", "/dev/zero", "/", "/proc/self"]
)
def test_links_into_the_system_are_404(public: Path, target: str):
    (public / "link").symlink_to(target)
    assert status(public, b"link") == 404


def test_links_that_stay_inside_are_followed(public: Path):
    """A Kubernetes ConfigMap is made of such ones: index.html -> ..data/index.html."""
    (public / "..2026").mkdir()
    (public / "..2026" / "page.html").write_bytes(b"page")
    (public / "..data").symlink_to("..2026")
    (public / "page.html").symlink_to("..data/page.html")
    (public / "absolute").symlink_to(public / "a.txt")
    (public / "roundabout").symlink_to("../public/sub")
    assert content(public, b"page.html") == b"page"
    assert content(public, b"absolute") == b"a"
    assert content(public, b"roundabout", b"b.txt") == b"b"


def test_links_in_a_circle_and_into_nothing_are_404(public: Path):
    (public / "circle").symlink_to("circle")
    (public / "nothing").symlink_to("none")
    assert status(public, b"circle") == 404
    assert status(public, b"nothing") == 404


def test_the_folder_itself_may_be_a_link_that_is_set_anew(public: Path, tmp_path: Path):
    """As with a deployment that lets ``current`` point to its newest release."""
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "a.txt").write_bytes(b"newer")
    current = tmp_path / "current"
    current.symlink_to(public)
    assert content(current, b"a.txt") == b"a"
    current.unlink()
    current.symlink_to(newer)
    assert content(current, b"a.txt") == b"newer"


def test_a_link_that_is_swapped_all_the_time_never_leads_out(public: Path, outside: Path):
    """The race between looking at a path and opening it, for a file and for a folder."""
    (public / "files").mkdir()
    (public / "files" / "secret").write_bytes(b"harmless")
    done = Event()

    def swap() -> None:
        link = public / "swapped"
        number = 0
        while not done.is_set():
            number += 1
            new = public / f"new{number}"
            new.symlink_to(outside if number % 2 else public / "files")
            new.replace(link)

    swapper = Thread(target=swap)
    swapper.start()
    found = set()
    try:
        for _ in range(3000):
            with suppress(ProtocolError):
                found.add(content(public, b"swapped", b"secret"))
    finally:
        done.set()
        swapper.join()
    assert found == {b"harmless"}


def test_only_regular_files_are_read(public: Path):
    """A FIFO without a writer would be waited for, for ever."""
    os.mkfifo(public / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        # its path may have 108 bytes
        listener.bind(f"/proc/self/fd/{(folder := os.open(public, os.O_RDONLY))}/socket")
        os.close(folder)
        assert status(public, b"fifo") == 404
        assert status(public, b"socket") == 404


def test_what_may_not_be_read_is_403():
    with open_folder() as public:
        (public / "a.txt").write_bytes(b"a")
        (public / "a.txt").chmod(0)
        (public / "closed").mkdir()
        (public / "closed" / "b.txt").write_bytes(b"b")
        (public / "closed").chmod(0)
        with owner_of(public):
            assert status(public, b"a.txt") == 403
            assert status(public, b"closed", b"b.txt") == 403
            (public / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EACCES, 403),
        (errno.EPERM, 403),
        (errno.EMFILE, 503),
        (errno.ENFILE, 503),
        (errno.EIO, 500),
        (errno.ESTALE, 500),
        (errno.ELOOP, 404),
    ],
)
def test_each_failure_has_its_status(
    public: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: int
):
    real = os.open

    def fail(path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise OSError(number, os.strerror(number))
        return real(path, flags)

    monkeypatch.setattr(static_folder.os, "open", fail)
    assert status(public, b"a.txt") == expected


def test_a_folder_that_is_gone_is_our_fault(public: Path, tmp_path: Path):
    with pytest.raises(ProtocolError, match="gone cannot be opened: No such file") as caught:
        open_file(StaticFiles(os.fsencode(tmp_path / "gone"), (), 0), (b"a.txt",))
    assert caught.value.status == 500


def test_without_descriptors_even_the_folder_is_too_much(
    public: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(static_folder.os, "open", fail)
    assert status(public, b"a.txt") == 503


def test_without_proc_nothing_is_served(public: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(_: object) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(static_folder.os, "readlink", fail)
    assert status(public, b"a.txt") == 500


def test_the_whole_machine_can_be_served():
    """Not that anybody should."""
    opened = open_file(StaticFiles(b"/", (), 0), (b"etc", b"passwd"))
    assert opened is not None
    os.close(opened.descriptor)
