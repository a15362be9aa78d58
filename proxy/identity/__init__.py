"""Who is at the other end, what their certificate is worth, and how it is written down. Pure."""
