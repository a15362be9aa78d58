"""Header fields that are set, added or removed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from proxy.config import header_rules
from proxy.config.model.section import Section
from proxy.config.units import parse_entries

RequestValue = Annotated[str, AfterValidator(header_rules.check_request_value)]
ResponseValue = Annotated[str, AfterValidator(header_rules.check_response_value)]
RequestName = Annotated[str, AfterValidator(header_rules.check_request_name)]
SetRequestName = Annotated[str, AfterValidator(header_rules.check_set_request_name)]
ResponseName = Annotated[str, AfterValidator(header_rules.check_response_name)]


class RequestHeaders(Section):
    """Header fields of requests to the app.

    Values may hold nginx's variables: `$remote_addr`, `$host`, `$ssl_client_cn` and many more, but
    none that only the response tells, such as `$status`. What a certificate says is empty unless
    the certificate was verified. A field whose value is empty is not sent. What certgate itself
    tells the app (identity, `X-Forwarded-*`, `X-Request-ID`), and what belongs to the connection,
    cannot be named here.
    """

    set: dict[SetRequestName, RequestValue] = Field(default={})
    """Fields by name, in place of what the client sent under that name, in whatever spelling.
    `Host` takes a fixed host; the client's is sent without it. Default: none."""

    add: dict[RequestName, RequestValue] = Field(default={})
    """Fields by name, beside what the client sent. Danger: an app may take the client's for yours;
    use `set` for everything that it relies on. Default: none."""

    remove: Annotated[
        tuple[RequestName, ...], BeforeValidator(parse_entries, json_schema_input_type=list[str])
    ] = ()
    """Names of fields that the app does not get. Default: none."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        header_rules.refuse_repetition((*self.set, *self.add, *self.remove))
        header_rules.check_host(self.set)
        return self


class ResponseHeaders(Section):
    """Header fields of responses to the client: the app's, and certgate's own.

    Values are as in `request_headers`, and may hold `$status`, `$upstream_addr`, `$upstream_status`
    and `$error` as well. Error pages and refusals have fields of their own against
    caching and scripts; these stay whatever stands here.
    """

    set: dict[ResponseName, ResponseValue] = Field(default={})
    """Fields by name, in place of what the app sent under that name. Default: none."""

    add: dict[ResponseName, ResponseValue] = Field(default={})
    """Fields by name, beside what the app sent. Default: none."""

    remove: Annotated[
        tuple[ResponseName, ...], BeforeValidator(parse_entries, json_schema_input_type=list[str])
    ] = ()
    """Names of fields that the client does not get. Default: none."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        header_rules.refuse_repetition((*self.set, *self.add, *self.remove))
        return self
