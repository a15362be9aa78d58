"""The media type of a file, by its name.

A table of our own: Python's ``mimetypes`` asks the machine (``/etc/mime.types``, on some machines a
registry), so that the same folder would be served differently by two of them.
"""

from __future__ import annotations

from typing import Final

_TEXT: Final = {
    b"text/html": b"html htm shtml",
    b"text/css": b"css",
    b"text/javascript": b"js mjs cjs",
    b"text/plain": b"txt text log conf ini asc",
    b"text/csv": b"csv",
    b"text/tab-separated-values": b"tsv",
    b"text/markdown": b"md markdown",
    b"text/calendar": b"ics",
    b"text/vcard": b"vcf",
    b"text/vtt": b"vtt",
}
# JSON is UTF-8 by definition, and XML says itself what it is: a charset would be wrong or nothing.
_OTHER: Final = {
    b"application/json": b"json map",
    b"application/ld+json": b"jsonld",
    b"application/geo+json": b"geojson",
    b"application/manifest+json": b"webmanifest",
    b"application/xml": b"xml xsl xsd",
    b"application/xhtml+xml": b"xhtml",
    b"application/atom+xml": b"atom",
    b"application/rss+xml": b"rss",
    b"application/yaml": b"yaml yml",
    b"application/toml": b"toml",
    b"application/wasm": b"wasm",
    b"application/pdf": b"pdf",
    b"application/rtf": b"rtf",
    b"application/epub+zip": b"epub",
    b"application/msword": b"doc",
    b"application/vnd.ms-excel": b"xls",
    b"application/vnd.ms-powerpoint": b"ppt",
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.document": b"docx",
    b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": b"xlsx",
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation": b"pptx",
    b"application/vnd.oasis.opendocument.text": b"odt",
    b"application/vnd.oasis.opendocument.spreadsheet": b"ods",
    b"application/vnd.oasis.opendocument.presentation": b"odp",
    b"application/zip": b"zip",
    b"application/gzip": b"gz tgz",
    b"application/x-bzip2": b"bz2",
    b"application/x-xz": b"xz",
    b"application/zstd": b"zst",
    b"application/x-tar": b"tar",
    b"application/x-7z-compressed": b"7z",
    b"application/vnd.android.package-archive": b"apk",
    b"application/x-apple-aspen-config": b"mobileconfig",
    b"application/x-pkcs12": b"p12 pfx",
    b"application/pkix-cert": b"cer",
    b"application/x-x509-ca-cert": b"crt der",
    b"application/pkix-crl": b"crl",
    b"application/x-pem-file": b"pem",
    b"application/pgp-signature": b"sig",
    b"image/png": b"png",
    b"image/jpeg": b"jpg jpeg",
    b"image/gif": b"gif",
    b"image/webp": b"webp",
    b"image/avif": b"avif",
    b"image/svg+xml": b"svg",
    b"image/bmp": b"bmp",
    b"image/tiff": b"tif tiff",
    b"image/vnd.microsoft.icon": b"ico",
    b"font/woff": b"woff",
    b"font/woff2": b"woff2",
    b"font/ttf": b"ttf",
    b"font/otf": b"otf",
    b"audio/mpeg": b"mp3",
    b"audio/mp4": b"m4a",
    b"audio/ogg": b"ogg oga opus",
    b"audio/flac": b"flac",
    b"audio/wav": b"wav",
    b"audio/aac": b"aac",
    b"video/mp4": b"mp4 m4v",
    b"video/webm": b"webm",
    b"video/ogg": b"ogv",
    b"video/quicktime": b"mov",
    b"video/x-matroska": b"mkv",
    b"video/mp2t": b"ts",
    b"application/vnd.apple.mpegurl": b"m3u8",
    b"application/dash+xml": b"mpd",
}
UNKNOWN: Final = b"application/octet-stream"
"""For every other name; with ``nosniff`` a browser saves such a file and runs nothing in it."""

_BY_EXTENSION: Final = {
    extension: media_type + parameter
    for table, parameter in ((_TEXT, b"; charset=utf-8"), (_OTHER, b""))
    for media_type, extensions in table.items()
    for extension in extensions.split()
}


def media_type(name: bytes) -> bytes:
    """Return the Content-Type of a file with this name; only its last extension counts."""
    _, dot, extension = name.rpartition(b".")
    return _BY_EXTENSION.get(extension.lower(), UNKNOWN) if dot else UNKNOWN
