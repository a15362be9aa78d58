"""The corpus of HTTP/1.x against certgate, nginx and HAProxy: ``python -m tests.corpus.compare``.

It prints the page docs/comparison-http1.md. With ``--write`` it writes that page, and beside the
corpus the table of outcomes from which the page is made.
"""
