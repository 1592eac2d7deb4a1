"""Whether an endpoint can be reached, asked before a run is started: one line that says what to do, or nothing."""

import ssl
from collections.abc import Iterator

from llm.catalog import Endpoint
from llm.trust import trusted


def unreachable(endpoint: Endpoint, *, key: str, timeout_s: float = 5.0) -> str | None:
    """One line naming file, entry and remedy when nothing answers there, or when it refuses the key; else None.

    It asks for the list of models, which costs nothing; whatever HTTP answers, be it 404, is an endpoint.
    """
    import httpx2  # here, because pages and commands that only name models need not load it

    address = f"{endpoint.base_url}/models"
    try:
        headers = {"Authorization": f"Bearer {key or 'none'}"}
        answer = httpx2.get(address, headers=headers, timeout=timeout_s, verify=trusted())
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        problem = f"{endpoint.entry} base_url {endpoint.base_url} cannot be reached: {_why(error, timeout_s)}"
        return f"{problem}; {_remedy(endpoint)}"
    if answer.status_code not in (401, 403):
        return None
    refused = f"{endpoint.entry} {endpoint.base_url} refuses the key with status {answer.status_code}"
    if endpoint.key_env is None:
        return f'{refused}; name the variable that holds one: key_env = "…"'
    return f"{refused}; put a valid one into the environment variable {endpoint.key_env}"


def _why(error: Exception, timeout_s: float) -> str:
    chain = list(_causes(error))
    if any(isinstance(one, TimeoutError) for one in chain):
        return f"no answer within {timeout_s:g} s"
    tls = next((one for one in chain if isinstance(one, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted, {tls.verify_message}"
    if tls is not None:
        return f"no TLS connection, {tls.reason or tls}"
    # The last cause is the system's own word, such as "Connection refused".
    last = chain[-1]
    told = last.strerror if isinstance(last, OSError) and last.strerror else str(last)
    return " ".join(told.split()) or type(last).__name__


def _remedy(endpoint: Endpoint) -> str:
    if endpoint.scripted:
        return "start the demo model (manage.py demo_model), or correct base_url"
    return "start that server, or correct base_url"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
