"""The kinds of values of a configuration, for the schema: how a text becomes each of them.

Apart from their readers, which do without pydantic: it takes longer to load than ``healthcheck``
may take (``proxy.config.entrance``).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator

from proxy.access.rate import Rate
from proxy.config.addresses import Server, parse_server
from proxy.config.listen_addresses import ListenAddress, parse_listen_address
from proxy.config.networks import parse_network
from proxy.config.units import (
    LONGEST_TIMEOUT,
    check_statuses,
    parse_byte_rate,
    parse_count,
    parse_duration,
    parse_flag,
    parse_rate,
    parse_size,
)

_AS_TEXT = PlainSerializer(str, return_type=str)
_BYTES = Field(ge=0, le=2**62)


def _before(parse: Any, written_as: Any) -> BeforeValidator:
    return BeforeValidator(parse, json_schema_input_type=written_as)


Statuses = Annotated[str, _before(check_statuses, str | int)]
Flag = Annotated[bool, _before(parse_flag, bool)]
Count = Annotated[int, Field(ge=0), _before(parse_count, int)]
Size = Annotated[int, _BYTES, _before(parse_size, int | str)]
ByteRate = Annotated[int, _BYTES, _before(parse_byte_rate, int | str)]
Seconds = Annotated[
    float, Field(ge=0.001, le=LONGEST_TIMEOUT), _before(parse_duration, float | str)
]
RateValue = Annotated[Rate, PlainValidator(parse_rate, json_schema_input_type=str), _AS_TEXT]
ListenAddressValue = Annotated[
    ListenAddress, PlainValidator(parse_listen_address, json_schema_input_type=str | int), _AS_TEXT
]
ServerValue = Annotated[
    Server, PlainValidator(parse_server, json_schema_input_type=str | int), _AS_TEXT
]
NetworkValue = Annotated[str, PlainValidator(parse_network, json_schema_input_type=str), _AS_TEXT]
