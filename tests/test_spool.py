"""The spool: what left and what came back is on disk before anything else, and a dead worker's is read once."""

import json
import os
import resource
from decimal import Decimal

import pytest

from runs.outcomes import Outcome, Sent
from runs.spool import DeadSpool, Spool, SpoolFull, house

REQUEST = '{"messages":[{"content":"naïve\\n🙂"}]}'.encode()


def sent(key="k1"):
    return Sent(7, key, "scorer", "demo", "demo-scorer", 0, REQUEST)


def answer(question, text="4"):
    response = json.dumps({"choices": text}, separators=(",", ":")).encode()
    return Outcome(question, response=response, cost=Decimal("0.000000123"), latency_s=0.5)


def dead(folder):
    """(attempts, outcomes) of each spool that nobody holds."""
    return [spool.read() for spool in DeadSpool.all_in(folder)]


def test_what_a_dead_worker_wrote_is_read_back_as_it_was(tmp_path):
    spool = Spool(tmp_path, "w1")
    first, second = spool.sent(sent("k1")), spool.sent(sent("k2"))
    spool.got(second, answer(sent("k2")))
    assert dead(tmp_path) == []  # it lives
    spool.close()
    ((attempts, outcomes),) = dead(tmp_path)
    assert attempts == {first: sent("k1"), second: sent("k2")}
    assert outcomes == [(1, second, answer(sent("k2")))]


def test_a_failure_is_read_back_with_its_kind(tmp_path):
    spool = Spool(tmp_path, "w1")
    failed = Outcome(sent(), error_kind="unknown", error="the connection broke \u2028 here")
    spool.got(spool.sent(sent()), failed)
    spool.close()
    assert dead(tmp_path)[0][1] == [(1, 1, failed)]


def test_a_worker_whose_outcomes_all_stand_in_the_database_leaves_nothing(tmp_path):
    spool = Spool(tmp_path, "w1")
    number = spool.sent(sent())
    spool.got(number, answer(sent()))
    spool.settled(number)
    assert spool.close() is True
    assert list(tmp_path.iterdir()) == []


def test_files_are_left_behind_when_full_and_removed_when_settled(tmp_path, monkeypatch):
    monkeypatch.setattr("runs.spool.SEGMENT_BYTES", 1000)
    spool = Spool(tmp_path, "w1")
    open_attempt = spool.sent(sent("first"))
    for number in range(200):
        attempt = spool.sent(sent(f"k{number}"))
        spool.got(attempt, answer(sent(f"k{number}")))
        spool.settled(attempt)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2  # the one with the open attempt, and the newest
    spool.got(open_attempt, answer(sent("first")))
    spool.settled(open_attempt)
    assert len(list(tmp_path.glob("*.jsonl"))) == 1
    spool.close()


def of_an_answer_and_a_question(folder):
    """The file that a worker left who had an answer and waited for another."""
    spool = Spool(folder, "w1")
    spool.got(spool.sent(sent("k1")), answer(sent("k1")))
    spool.sent(sent("k2"))
    spool.close()
    (path,) = folder.glob("*.jsonl")
    return path


def test_a_line_cut_off_by_death_says_nothing(tmp_path):
    path = of_an_answer_and_a_question(tmp_path)
    os.truncate(path, path.stat().st_size - 5)
    ((attempts, outcomes),) = dead(tmp_path)
    assert (list(attempts), len(outcomes)) == ([1], 1)


def test_a_line_that_nobody_can_read_stops_nothing_and_its_file_stays_aside(tmp_path):
    path = of_an_answer_and_a_question(tmp_path)
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\0\0\0\n" + b'{"got": 1}\n' + b"".join(others))
    (found,) = DeadSpool.all_in(tmp_path)
    attempts, outcomes = found.read()
    assert (list(attempts), len(outcomes)) == ([1, 2], 1)
    found.remove()
    assert [left.name for left in tmp_path.iterdir()] == [path.with_suffix(".damaged").name]


def test_a_dead_spool_is_read_by_one_at_a_time(tmp_path):
    spool = Spool(tmp_path, "w1")
    spool.sent(sent())
    spool.close()
    readers = DeadSpool.all_in(tmp_path)
    mine = next(readers)
    assert dead(tmp_path) == []
    mine.remove()
    readers.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_sent_and_leaves_whole_lines(tmp_path):
    spool = Spool(tmp_path, "w1")
    spool.sent(sent("k1"))
    (path,) = tmp_path.glob("*.jsonl")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, hard))  # half a line still fits
    try:
        with pytest.raises(SpoolFull, match=r"w1.000001.jsonl cannot be written .*make room there"):
            spool.sent(sent("k2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert spool.sent(sent("k3")) == 2
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["k1", "k3"]


def test_a_machine_keeps_its_name_and_all_its_processes_share_it(tmp_path):
    assert house(tmp_path) == house(tmp_path)
    assert house(tmp_path / "another") != house(tmp_path)
