"""A stranger's text is shown, but cannot steer what shows it."""

import pytest

from proxy.web.untrusted import MAX_LENGTH, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CN=alice,O=Acme", "CN=alice,O=Acme"),
        ("Jürgen 花子 🔐", "Jürgen 花子 🔐"),
        ("a\r\nb", r"a\u{D}\u{A}b"),
        ("\x1b[2J", r"\u{1B}[2J"),
        ("alice\u202ecba", r"alice\u{202E}cba"),
        ("\u2066x\u2069", r"\u{2066}x\u{2069}"),
        ("zero\u200bwidth", r"zero\u{200B}width"),
        ("\u2028\u2029\xa0", r"\u{2028}\u{2029}\u{A0}"),
        ("\ud800\ue000", r"\u{D800}\u{E000}"),
    ],
)
def test_invisible_and_steering_characters_are_spelt_out(text: str, shown: str):
    assert printable(text) == shown


def test_the_length_is_bounded_before_and_after_spelling_out():
    assert len(printable("a" * 1_000_000)) == MAX_LENGTH
    assert len(printable("\u202e" * 1_000_000)) == MAX_LENGTH
    assert printable("a" * MAX_LENGTH) == "a" * MAX_LENGTH
    assert printable("abcdef", 4) == "abc…"
