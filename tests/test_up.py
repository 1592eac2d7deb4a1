"""`up` as a person uses it: one command starts everything, work is done, Ctrl-C leaves no process behind."""

import json
import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.sites import DemoModel, Site


def alive_with(marker):
    """Processes of this machine whose environment holds the marker."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it ended while we looked
            continue
    return found


def wait_for(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture
def started():
    """Processes that are asked to end with the test, whatever comes of it: killed, they would leave theirs behind."""
    processes = []
    yield processes
    for process in processes:
        end(process)


def end(process):
    if process.poll() is None:
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


def start_up(site, started):
    """`up` once it serves."""
    port = free_port()
    process = site.start("up", "--port", port)
    started.append(process)
    wait_for(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/login/"), "the site")
    assert process.poll() is None, process.stdout.read()
    return process


@pytest.mark.once
def test_a_taken_port_is_named_with_the_remedy(site):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, _, stderr = site.run("up", "--port", port)
    assert status == 2
    assert f"127.0.0.1:{port} cannot be used" in stderr
    assert "--port" in stderr


@pytest.mark.once
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to find processes left behind")
def test_ctrl_c_while_the_programs_are_still_being_started_leaves_nothing_behind(site):
    process = site.start("up", "--port", free_port())
    marker = f"VAR_DIR={site.environ['VAR_DIR']}"
    wait_for(lambda: any("gunicorn" in command for command in alive_with(marker)), "the first program")
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert alive_with(marker) == []


@pytest.mark.once
def test_a_port_that_cannot_be_is_refused(site):
    status, _, stderr = site.run("up", "--port", "70000")
    assert status == 2
    assert "127.0.0.1:70000 cannot be used" in stderr


@pytest.fixture
def slow_model():
    server = DemoModel("--latency", "0.5")
    yield server
    server.stop()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to find processes left behind")
def test_up_works_through_the_broker_ctrl_c_in_mid_run_leaves_nothing_and_the_next_start_goes_on(
    tmp_path, slow_model, started
):
    site = Site(tmp_path, slow_model.models_file(tmp_path, **{"concurrency = 64": "concurrency = 4"}))
    rows = [{"instruction": f"Write a parser for format {n}.", "response": "With a tokenizer."} for n in range(30)]
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    site.manage("import_queries", file, "--source", "made")
    # A run that is there at the start waits for the first sweep; this one is sent to the worker at once.
    start_up(site, started)
    assert site.manage("score", "--json")["state"] == "queued"
    wait_for(lambda: slow_model.stats()["requests"] >= 12, "the run to be under way", seconds=140)

    marker = f"VAR_DIR={site.environ['VAR_DIR']}"
    assert len(alive_with(marker)) >= 5
    end(started[0])
    assert started[0].returncode == 0
    assert alive_with(marker) == []
    calls, leased = site.ask_database("[Run.objects.get().calls, WorkItem.objects.filter(state='leased').count()]")
    assert (calls, leased) == (slow_model.stats()["requests"], 0)

    if "DATABASE_URL" in os.environ:  # that another start goes on is heard of SQLite
        site.manage("work", "--until-idle")
    else:
        started.append(site.start("up", "--port", free_port()))
        wait_for(lambda: site.ask_database("Run.objects.get().state") == "done", "the run to end", seconds=140)
        end(started[1])
    assert site.ask_database("Score.objects.count()") == 60
    assert slow_model.stats()["repeated"] == 0
    assert alive_with(marker) == []
