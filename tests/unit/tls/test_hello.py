"""The callbacks for server name and protocol where no client of ours would lead them.

What clients see of them is in ``test_compiled.py``.
"""

import pytest

from proxy.tls.hello import _names


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (b"", []),
        (b"\x02h2", [b"h2"]),
        (b"\x02h2\x08http/1.1", [b"h2", b"http/1.1"]),
        (b"\x05h2", [b"h2"]),
    ],
)
def test_a_list_of_names_is_read_to_its_end_and_not_further(listed: bytes, names: list[bytes]):
    assert _names(listed) == names
