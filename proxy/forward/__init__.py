"""What changes between the downstream message and the upstream one. Pure."""
