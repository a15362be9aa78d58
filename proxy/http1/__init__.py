"""HTTP/1.1 messages: grammar, heads, framing, bodies (RFC 9110, RFC 9112). Pure."""
