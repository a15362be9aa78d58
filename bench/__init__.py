"""Side by side with nginx: what a request costs the proxy. Run it with ``python -m bench``."""
