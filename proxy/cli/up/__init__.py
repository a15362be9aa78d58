"""``certgate up``: from nothing to an authenticated app in one command."""

from proxy.cli.up.command import up

__all__ = ["up"]
