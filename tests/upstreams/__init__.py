"""Upstreams for the tests: one that follows a script to the byte, broken ones, and real apps."""

from tests.upstreams.faults import FAULTS, Ending, Fault, Misbehaving, Outcome
from tests.upstreams.scripted import Connection, Received, Recorder, Scripted

__all__ = [
    "FAULTS",
    "Connection",
    "Ending",
    "Fault",
    "Misbehaving",
    "Outcome",
    "Received",
    "Recorder",
    "Scripted",
]
