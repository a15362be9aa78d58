"""Answers of the gate itself: fixed responses, redirects, error pages."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from proxy.config import answer_rules
from proxy.config.model.section import Section
from proxy.config.paths import ExistingFile
from proxy.config.units import parse_count


class Respond(Section):
    """A fixed response, in place of an app."""

    status: Annotated[
        int,
        Field(ge=200, le=599),
        AfterValidator(answer_rules.check_status),
        BeforeValidator(parse_count, json_schema_input_type=int),
    ] = 200
    """Status code: 200 to 299 or 400 to 599. Default: 200."""

    body: str = ""
    """The content, over several lines if need be (`|`). `text/plain`, `text/html` and JSON may hold
    nginx's variables; they are escaped as the type wants it. A lone `$` is an error in these.
    Default: none."""

    content_type: Annotated[str, AfterValidator(answer_rules.check_content_type)] = (
        "text/plain; charset=utf-8"
    )
    """What the content is. Default: `text/plain; charset=utf-8`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        answer_rules.check_body(self.status, self.body, self.content_type)
        return self


class Redirect(Section):
    """A redirect, in place of an app. A target alone is the same as `{to: …}`."""

    to: Annotated[str, AfterValidator(answer_rules.check_redirect)]
    """Where to: `https://other.example$request_uri`, `https://$host/new$uri` or `/new$request_uri`.
    nginx's variables may stand in the path and the query; the host may be `$host` (without its
    port), `$http_host` (with it) or a fixed one. Required."""

    status: Annotated[
        Literal[301, 302, 303, 307, 308], BeforeValidator(parse_count, json_schema_input_type=int)
    ] = 302
    """301 and 308 for good, 302, 303 and 307 for now; 307 and 308 keep the method.
    Default: 302."""


StatusPattern = Annotated[str, AfterValidator(answer_rules.check_status_pattern)]
PageFile = Annotated[ExistingFile, AfterValidator(answer_rules.check_page_file)]
ErrorPages = dict[StatusPattern, PageFile]
