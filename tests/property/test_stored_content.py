"""Whatever is written in whatever pieces is read back, and memory is bounded."""

from __future__ import annotations

import tempfile

from hypothesis import given
from hypothesis import strategies as st

from proxy.server.stored_content import Budget, StoredContent
from proxy.snapshot import Buffering

PIECES = st.lists(st.binary(max_size=40), max_size=20)


@given(st.lists(PIECES, max_size=4), st.integers(0, 100), st.integers(0, 200))
def test_stored_contents_share_a_budget_and_lose_nothing(
    contents: list[list[bytes]], memory: int, budget_size: int
):
    budget = Budget(budget_size)
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for pieces in contents:
            content = StoredContent(Buffering(memory, folder), budget)
            for piece in pieces:
                content.write(piece)
                assert budget.free >= 0
            made.append((content, b"".join(pieces)))
        held = sum(content.size for content, _ in made if content.is_in_memory)
        assert held == budget_size - budget.free
        for content, expected in made:
            assert content.read(0) == expected
            assert content.size == len(expected)
            content.close()
    assert budget.free == budget_size
