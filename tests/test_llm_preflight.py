"""Claims about asking an endpoint, before a run starts, whether it is there."""

import contextlib
import socket
import threading

import pytest

from llm.catalog import load_catalog
from llm.preflight import unreachable


@pytest.fixture
def endpoint_at(tmp_path):
    def load(address, more=""):
        path = tmp_path / "models.toml"
        path.write_text(f'[endpoints.house]\nbase_url = "{address}"\n{more}\n')
        return load_catalog(path).endpoints["house"]

    return load


@contextlib.contextmanager
def listening(answer=None):
    """A port that gives its first caller these bytes; without any it takes the call and keeps silent."""

    def serve():
        there, _ = server.accept()
        with there:
            there.recv(4096)
            there.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def told(endpoint, **options):
    """The one line; it names the file, the entry and what to do."""
    line = unreachable(endpoint, key="sk-secret", **options)
    assert line is not None
    assert "models.toml: [endpoints.house]" in line
    assert endpoint.base_url in line
    assert "; " in line
    assert "\n" not in line
    assert "sk-secret" not in line
    return line


def test_an_endpoint_that_answers_needs_no_word(demo_model, endpoint_at):
    assert unreachable(endpoint_at(demo_model.base_url), key="") is None


@pytest.mark.parametrize("status", [200, 307, 404, 405, 429, 500])
def test_whatever_http_answers_is_an_endpoint(endpoint_at, status):
    with listening(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()) as port:
        assert unreachable(endpoint_at(f"http://127.0.0.1:{port}/v1"), key="") is None


def test_a_port_where_nobody_listens_is_named_with_its_remedy(endpoint_at):
    with listening() as port:
        pass
    address = f"http://127.0.0.1:{port}/v1"
    assert "Connection refused; start that server, or correct base_url" in told(endpoint_at(address))
    assert "start the demo model (manage.py demo_model)" in told(endpoint_at(address, "scripted = true"))


def test_a_host_that_nobody_knows_is_named(endpoint_at):
    assert "cannot be reached" in told(endpoint_at("http://no-such-host.invalid/v1"))


def test_silence_ends_after_the_time_given(endpoint_at):
    with listening() as port:
        assert "no answer within 0.2 s" in told(endpoint_at(f"http://127.0.0.1:{port}/v1"), timeout_s=0.2)


def test_what_speaks_another_protocol_is_no_endpoint(endpoint_at):
    with listening(b"220 mail.example.org\r\n") as port:
        told(endpoint_at(f"http://127.0.0.1:{port}/v1"))
    with listening(b"220 mail.example.org\r\n") as port:
        assert "no TLS connection" in told(endpoint_at(f"https://127.0.0.1:{port}/v1"))


def test_a_refused_key_names_the_variable_that_holds_it(endpoint_at):
    refusal = b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n"
    with listening(refusal) as port:
        line = told(endpoint_at(f"http://127.0.0.1:{port}/v1", 'key_env = "HOUSE_KEY"'))
        assert "refuses the key with status 401; put a valid one into the environment variable HOUSE_KEY" in line
    with listening(refusal) as port:
        assert 'name the variable that holds one: key_env = "' in told(endpoint_at(f"http://127.0.0.1:{port}/v1"))
