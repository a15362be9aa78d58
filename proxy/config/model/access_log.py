"""One line for each request."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from proxy.config import rules
from proxy.config.model.section import Section
from proxy.config.paths import LogTarget


class AccessLog(Section):
    """One line for each request."""

    path: LogTarget = "-"
    """A file, `-` for the standard output, or `off`. Default: `-`."""

    format: Annotated[str, AfterValidator(rules.check_log_format)] = "combined"
    """`combined` (as nginx and Apache write it, with the certificate's subject and the decision),
    `json`, or a template with nginx's variable names such as `$remote_addr "$request" $status`.
    Default: `combined`."""
