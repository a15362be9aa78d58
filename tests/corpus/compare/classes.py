"""The classes of the corpus: a title for each, and why anybody should care."""

from __future__ import annotations

CLASSES: dict[str, dict[str, tuple[str, str]]] = {
    "requests": {
        "framing-conflicts": (
            "Two statements about the end",
            "Request smuggling: the next hop believes the other one.",
        ),
        "framing-values": (
            "One statement, written oddly",
            "Request smuggling: `+5`, `xchunked` and the like are read by one and ignored by the other.",
        ),
        "repeated-fields": (
            "The same field twice",
            "One hop takes the first, the next one the last: two lengths, two hosts, two users.",
        ),
        "chunks": (
            "Chunk sizes, extensions, trailers",
            "Request smuggling inside the content; a trailer that an app merges is a forged header.",
        ),
        "field-lines": (
            "Line ends, folding, names, values",
            "A line that only one side sees as two is a header that the gate never judged.",
        ),
        "positions": (
            "Control bytes, line ends, folds and blanks at every place",
            "The same, wherever it is put: one lenient place is enough.",
        ),
        "look-alike-names": (
            "Look-alike names",
            "CGI, WSGI, PHP and Rack turn `X_SSL_Client_Verify` into the header that the app believes.",
        ),
        "identity-names": (
            "Identity names everywhere",
            "Who can send such a header is whom it names. nginx and HAProxy replace the names that one "
            "lists; the others pass.",
        ),
        "connection": (
            "`Connection`, `Upgrade`, `Expect`",
            "`Connection` can take headers away from the app; h2c is a tunnel past every rule.",
        ),
        "host": ("Host", "It chooses the route, ends up in links and in caches."),
        "targets": (
            "Request targets",
            "Access is decided by the path: both sides have to see the same one.",
        ),
        "request-line": ("The request line", "Whoever splits it elsewhere serves another path."),
        "methods": ("Methods", "CONNECT tunnels; TRACE tells what the gate adds."),
        "versions": (
            "Versions, HTTP/0.9, the preface of HTTP/2",
            "Another version has another framing; 0.9 has no headers to judge.",
        ),
        "oversize": ("Too long, too many", "Nothing may be kept without a bound."),
    },
    "responses": {
        "framing": (
            "Where a response ends",
            "What is left over becomes the answer to the next client's request.",
        ),
        "chunks": ("Chunks of a response", "The same, inside the content."),
        "field-lines": ("Field lines", "Response splitting: a line break in a header makes a second one."),
        "positions": ("Control bytes, line ends, folds and blanks at every place", "The same, everywhere."),
        "status-line": (
            "The status line",
            "What is no HTTP is passed on as HTTP/0.9, or misread as an interim response.",
        ),
    },
}
