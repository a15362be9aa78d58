"""``certgate ca``: the life of a certificate, one verb a command.

The commands import the authority at once but the store, SQLAlchemy and rich only when they run,
so that help and completion stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proxy.cli.ca.export import export
from proxy.cli.ca.init import init
from proxy.cli.ca.issue import issue
from proxy.cli.ca.listing import list_certificates, show
from proxy.cli.ca.options import directory_option
from proxy.cli.ca.renew import renew
from proxy.cli.ca.revoke import crl, revoke, unrevoke
from proxy.cli.ca.sign import sign
from proxy.cli.suggestions import SuggestingGroup

if TYPE_CHECKING:
    from pathlib import Path


class _InOrderOfUse(SuggestingGroup):
    """A group that lists its commands in the order in which they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they were added."""
        del ctx
        return list(self.commands)


@click.group(cls=_InOrderOfUse)
@directory_option
def ca(directory: Path) -> None:
    """Make a certificate authority and give out certificates.

    \b
    certgate ca init                          a CA in certs/ca
    certgate ca issue alice                   key, certificate and .p12 for alice
    certgate ca sign bob.csr -o bob.crt       bob made his own key
    certgate ca list --expiring 30d           whose certificate ends soon
    certgate ca revoke alice                  alice is shut out within a second

    The CA's passphrase comes from a prompt, from --passphrase-file, or from the environment
    variable CERTGATE_CA_PASSPHRASE.
    """  # noqa: D301 - click reads \b as "do not wrap"
    del directory  # kept by the option's callback for the commands below


for _command in (
    init,
    issue,
    sign,
    renew,
    revoke,
    unrevoke,
    list_certificates,
    show,
    crl,
    export,
):
    ca.add_command(_command)
