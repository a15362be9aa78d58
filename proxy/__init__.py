"""certgate: an authenticating reverse proxy for TLS client certificates."""

__version__ = "0.1.0"
