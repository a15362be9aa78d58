"""Sockets on the data path: from an accepted connection to an answered request.

One request, file by file: ``listener`` accepts, ``handshake`` does TLS, ``tls_transport`` carries
plaintext, ``downstream`` cuts requests out of it, ``exchange`` decides and forwards one request,
``upstream`` reads the response, ``pool`` keeps the connection for the next one, ``tunnel`` takes
over after a 101, ``sweeper`` enforces every deadline, ``drain`` ends it all in order.
"""
