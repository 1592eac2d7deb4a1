"""Whose certificates are believed: read once in a process, because each reading takes some 50 ms."""

import os
import ssl
from functools import cache


def trusted() -> ssl.SSLContext:
    """The system's authorities, or those that SSL_CERT_FILE or SSL_CERT_DIR name, as they were when first asked for."""
    return _read(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read(file: str | None, folder: str | None) -> ssl.SSLContext:
    """It finds the variables itself; they are named here so that other ones are read anew."""
    import httpx2

    return httpx2.create_ssl_context()
