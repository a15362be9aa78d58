"""The CA as a state machine: whatever is done in whatever order, store and CRL agree."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.ca.clock import to_epoch
from proxy.ca.crl import HOLD, REASONS, number_of
from proxy.ca.store.records import CertificateRecord, Status
from proxy.errors import CertgateError
from tests.authorities import Clock, client, make_authority, records_of

LIFETIMES = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=30)])


class Lifecycle(RuleBasedStateMachine):
    """Issue, renew, revoke, take back, publish, wait."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.authority = make_authority(Path(self.folder.name) / "ca", self.clock)
        self.expected: dict[int, Status] = {}
        self.number = 0

    def teardown(self) -> None:
        self.authority.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.number = number_of(self.authority.registry.crl())

    def _pick(self, data: st.DataObject) -> CertificateRecord:
        return data.draw(st.sampled_from(records_of(self.authority)))

    def _count_up(self) -> None:
        number = number_of(self.authority.registry.crl())
        assert number == self.number + 1
        self.number = number

    @rule(lifetime=LIFETIMES)
    def issue(self, lifetime: timedelta) -> None:
        issued = self.authority.issue(client(lifetime=lifetime))
        assert issued.serial == len(self.expected) + 1
        self.expected[issued.serial] = Status.VALID

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        record = self._pick(data)
        status = record.status(to_epoch(self.clock()))
        try:
            issued = self.authority.renew(record)
        except CertgateError:
            # A compromised key refuses renewal of its other certificates too.
            assert status is not Status.VALID or self._is_compromised(record)
        else:
            assert status is Status.VALID
            self.expected[issued.serial] = Status.VALID

    def _is_compromised(self, record: CertificateRecord) -> bool:
        key = self.authority.registry.load(record).public_key()
        return any(
            other.reason == "keyCompromise"
            and self.authority.registry.load(other).public_key() == key
            for other in records_of(self.authority)
        )

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), reason=st.sampled_from(list(REASONS)))
    def revoke(self, data: st.DataObject, reason: str) -> None:
        record = self._pick(data)
        try:
            self.authority.revocation.revoke([record], reason)
        except CertgateError:
            assert record.revoked_at is not None
        else:
            assert record.revoked_at is None
            self._count_up()

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def unrevoke(self, data: st.DataObject) -> None:
        record = self._pick(data)
        try:
            self.authority.revocation.unrevoke(record)
        except CertgateError:
            assert record.reason != HOLD
        else:
            assert record.reason == HOLD
            self._count_up()

    @rule()
    def publish(self) -> None:
        self.authority.revocation.publish()
        self._count_up()

    @rule(hours=st.sampled_from([1, 20, 200]))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)
        self.publish()

    @invariant()
    def the_list_holds_the_revoked_that_have_not_expired_and_nobody_else(self) -> None:
        now = to_epoch(self.clock())
        records = records_of(self.authority)
        assert [record.serial for record in records] == sorted(self.expected)
        in_force = {r.serial for r in records if r.revoked_at is not None and r.not_after > now}
        assert {entry.serial_number for entry in self.authority.registry.crl()} == in_force


Lifecycle.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestLifecycle = Lifecycle.TestCase
