"""Fixtures of the black-box tests: everything here runs the command as a user does."""

from tests.gate.fixtures import (
    gate,
    recorder,
    shared_recorder,
    start_balancer,
    start_gate,
    start_nginx,
)

__all__ = ["gate", "recorder", "shared_recorder", "start_balancer", "start_gate", "start_nginx"]
