"""The broker of folders: whoever looks while a message is being written finds it whole or not at all."""

from queue import Empty
from threading import Thread, Timer

import pytest
from kombu import Connection

from config import folder_broker

MESSAGES = 400


@pytest.fixture
def channels(tmp_path):
    """Two processes' ends of one broker."""
    options = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out", "control_folder")}
    ends = [Connection(f"{folder_broker.SCHEME}://", transport_options=options) for _ in range(2)]
    yield [end.channel() for end in ends]
    for end in ends:
        end.release()


def test_a_message_is_found_whole_however_soon_somebody_looks(channels):
    writer, reader = channels
    sent = [{"number": number, "body": "x" * 20_000} for number in range(MESSAGES)]
    writing = Thread(target=lambda: [writer._put("jobs", message) for message in sent])
    writing.start()
    got = []
    while len(got) < MESSAGES:
        try:
            got.append(reader._get("jobs"))
        except Empty:
            assert writing.is_alive() or len(got) == MESSAGES or reader._size("jobs")
    writing.join()
    assert sorted(message["number"] for message in got) == list(range(MESSAGES))
    assert {len(message["body"]) for message in got} == {20_000}


def test_a_message_that_is_being_written_is_none_yet(channels, monkeypatch):
    writer, reader = channels
    seen = []

    def look_meanwhile(payload):
        with pytest.raises(Empty):
            reader._get("jobs")
        seen.append(payload)
        return '{"number": 1}'

    monkeypatch.setattr(folder_broker, "dumps", look_meanwhile)
    writer._put("jobs", {"number": 1})
    assert seen and reader._get("jobs") == {"number": 1}


def test_what_a_killed_writer_left_half_written_is_passed_over(channels, tmp_path):
    writer, reader = channels
    (tmp_path / "1_dead.jobs.msg.begun").write_text('{"num')
    writer._put("jobs", {"number": 2})
    assert reader._get("jobs") == {"number": 2}
    assert reader._size("jobs") == 0


def test_messages_of_other_queues_are_left_alone(channels):
    writer, reader = channels
    writer._put("runs", {"number": 3})
    with pytest.raises(Empty):
        reader._get("jobs")
    assert reader._get("runs") == {"number": 3}


@pytest.mark.parametrize("asks", ["table", "binding"])
def test_who_finds_the_table_of_an_exchange_empty_waits_for_its_writer(channels, tmp_path, asks):
    table = tmp_path / "jobs.exchange"
    table.touch()
    writing = Timer(0.1, lambda: table.write_text('[["jobs", "", "jobs"]]'))
    writing.start()
    if asks == "binding":
        channels[0]._queue_bind("jobs", "other", "", "other")
    assert ("jobs", "", "jobs") in channels[1].get_table("jobs")
    writing.join()


def test_a_table_that_stays_broken_is_an_error(channels, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_broker, "PATIENCE_S", 0.0)
    (tmp_path / "jobs.exchange").write_text("no JSON")
    with pytest.raises(ValueError):
        channels[0].get_table("jobs")
