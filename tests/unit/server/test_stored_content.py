"""Content that waits: in memory while there is room, then in a file without a name."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from proxy.server.stored_content import Budget, StoredContent
from proxy.snapshot import Buffering

if TYPE_CHECKING:
    from collections.abc import Iterator


class Make(Protocol):
    """Makes stored content and its budget; it is closed at the end."""

    def __call__(self, memory: int = ..., budget: int = ...) -> tuple[StoredContent, Budget]: ...


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Make]:
    made: list[StoredContent] = []

    def make(memory: int = 10, budget: int = 100) -> tuple[StoredContent, Budget]:
        left = Budget(budget)
        made.append(StoredContent(Buffering(memory, str(tmp_path)), left))
        return made[-1], left

    yield make
    for content in made:
        content.close()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def whole(content: StoredContent) -> bytes:
    got = b""
    while piece := content.read(len(got)):
        got += piece
    return got


def test_what_is_small_stays_in_memory(stored: Make):
    content, budget = stored()
    content.write(b"12345")
    content.write(b"67890")
    assert content.is_in_memory
    assert (whole(content), content.size, budget.free) == (b"1234567890", 10, 90)


def test_what_is_larger_goes_to_a_file_as_a_whole(stored: Make):
    content, budget = stored()
    content.write(b"1234567890")
    content.write(b"x")
    content.write(b"yz")
    assert not content.is_in_memory
    assert (whole(content), content.size, budget.free) == (b"1234567890xyz", 13, 100)


def test_it_can_be_read_again_and_from_anywhere(stored: Make):
    content, _ = stored(memory=0)
    content.write(b"0123456789")
    assert [content.read(start) for start in (4, 0, 10)] == [b"456789", b"0123456789", b""]


def test_pieces_are_bounded(stored: Make):
    content, _ = stored(memory=0)
    content.write(b"x" * 300_000)
    assert len(content.read(0)) == 256 * 1024


def test_the_file_has_no_name_and_is_nobody_elses(stored: Make, tmp_path: Path):
    content, _ = stored(memory=0)
    content.write(b"secret")
    assert list(tmp_path.iterdir()) == []
    assert content._file is not None
    status = os.fstat(content._file.fileno())
    assert stat.S_IMODE(status.st_mode) & 0o077 == 0
    assert status.st_nlink == 0


def test_when_the_memory_of_all_is_used_up_it_is_a_file_from_the_first_byte(
    stored: Make, tmp_path: Path
):
    first, budget = stored(memory=10, budget=12)
    first.write(b"1234567890")
    second = StoredContent(Buffering(10, str(tmp_path)), budget)
    second.write(b"abc")
    assert not second.is_in_memory
    assert whole(second) == b"abc"
    first.close()
    second.close()
    assert budget.free == 12


@pytest.mark.parametrize("size", [5, 50])
def test_closing_gives_everything_back_and_may_happen_twice(stored: Make, size: int):
    content, budget = stored()
    content.write(b"x" * size)
    before = _open_files()
    content.close()
    content.close()
    assert budget.free == 100
    assert _open_files() == before - (size > 10)


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path):
    content = StoredContent(Buffering(0, str(tmp_path / "gone")), Budget(0))
    with pytest.raises(FileNotFoundError):
        content.write(b"x")


def test_a_write_that_takes_a_part_is_continued(stored: Make, monkeypatch: pytest.MonkeyPatch):
    """As on a disk that is nearly full, or when a signal comes."""
    content, _ = stored(memory=0)
    content.write(b"0")
    real = content._file
    assert real is not None

    class Reluctant:
        """Takes three bytes at a time."""

        def write(self, data: memoryview) -> int:
            return real.write(data[:3])

    content._file = Reluctant()  # type: ignore[assignment]
    content.write(b"123456789")
    content._file = real
    assert whole(content) == b"0123456789"
