"""No certificate and no header name gets through what protects the app."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from proxy.forward.identity_headers import (
    identity_header_lines,
    is_identity_name,
    percent_escaped,
)
from proxy.identity.alternative_names import AlternativeName, NameKind
from proxy.identity.dn import join_rfc2253, parse_name
from proxy.identity.facts import CertificateFacts
from proxy.identity.verdict import Verdict
from tests.pki import START, client
from tests.unit.identity.forge import CN, UTF8, name

NOW = START.timestamp()
FACTS = CertificateFacts.read(client("good").leaf)
LINE = re.compile(rb"[A-Za-z0-9-]+: [!-~][ -~]*\r\n")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ascii_texts = st.text(st.characters(max_codepoint=0x7F), max_size=20)
alternative_names = st.lists(
    st.builds(
        AlternativeName,
        st.sampled_from([NameKind.DNS, NameKind.URI, NameKind.EMAIL]),
        ascii_texts,
    ),
    max_size=4,
)
separators = st.sampled_from([bytes([o]) for o in range(256) if not bytes([o]).isalnum()])


def facts_with(common_name: str, names: list[AlternativeName]) -> CertificateFacts:
    attributes = parse_name(name([(CN, UTF8, common_name.encode())]))
    return replace(
        FACTS,
        subject=join_rfc2253(attributes),
        subject_attributes=attributes,
        alternative_names=tuple(names),
    )


@given(texts, alternative_names)
def test_every_line_is_one_line(common_name: str, names: list[AlternativeName]):
    facts = facts_with(common_name, names)
    made = identity_header_lines(facts, Verdict(None), ("x-ssl-client", "client-cert", "xfcc"), NOW)
    assert LINE.sub(b"", made.lines) == b""


@given(alternative_names)
def test_the_names_can_be_told_apart(names: list[AlternativeName]):
    made = identity_header_lines(facts_with("a", names), Verdict(None), ("x-ssl-client",), NOW)
    found = re.search(rb"X-SSL-Client-SAN: (.*)\r\n", made.lines)
    parts = found[1].decode().split(",") if found else []
    decoded = [(kind, unquote(value)) for kind, _, value in (part.partition(":") for part in parts)]
    assert decoded == [(str(item.kind), item.value) for item in names]


@given(alternative_names)
def test_the_elements_of_xfcc_can_be_told_apart(names: list[AlternativeName]):
    made = identity_header_lines(facts_with("a", names), Verdict(None), ("xfcc",), NOW)
    value = made.lines.removeprefix(b"X-Forwarded-Client-Cert: ").removesuffix(b"\r\n").decode()
    elements = re.findall(r'(\w+)=((?:"(?:[^"\\]|\\.)*")|[^;"]*)(?:;|$)', value)
    assert ";".join(f"{key}={text}" for key, text in elements) == value
    for key, kind in (("URI", NameKind.URI), ("DNS", NameKind.DNS)):
        expected = [item.value for item in names if item.kind is kind]
        assert [_plain(text) for found, text in elements if found == key] == expected


def _plain(text: str) -> str:
    if text.startswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return unquote(text)


@given(texts)
def test_escaped_text_is_safe_and_decodes_to_itself(text: str):
    escaped = percent_escaped(text)
    assert unquote(escaped) == text
    assert escaped == escaped.strip(" ")
    assert not escaped or (escaped.isascii() and escaped.isprintable())


@given(
    st.sampled_from(
        ["x ssl client", "client cert", "client cert chain", "x forwarded client cert"]
    ),
    st.data(),
)
def test_no_spelling_of_a_family_passes(family: str, data: st.DataObject):
    words = family.encode().split()
    spelled = b"".join(
        data.draw(separators) + bytes(data.draw(st.sampled_from([o, o ^ 0x20])) for o in word)
        for word in words
    )[1:]
    longer = data.draw(st.binary(max_size=5))
    assert is_identity_name(spelled)
    assert is_identity_name(spelled + data.draw(separators) + longer)


@given(st.text(st.characters(max_codepoint=0x7F)).map(str.encode))
def test_folding_decides_alone(header: bytes):
    folded = bytes(o if bytes([o]).isalnum() else 0x2D for o in header.lower())
    assert is_identity_name(header) == is_identity_name(folded)
