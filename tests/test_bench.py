"""The bench: its table and its JSON, what a missed target does, and the tools that measurements are made of."""

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

from bench.__main__ import main
from bench.figures import Figure
from bench.installing import on_disk
from bench.lists import run_module
from bench.measurements import MEASUREMENTS
from bench.pools import write_pool
from bench.rounds import interleaved
from bench.usage import CommandFailed, cpu_so_far_s, run_measured
from bench.visiting import Visitor, first_load
from tests.migrated import ROOT

MET = Figure(name="export", database="sqlite", value=3.0, limit=2.0, unit="s", relative=True, target=2)
MISSED = Figure(name="start_time", value=6.5, unit="s", target=5)


@pytest.fixture
def bench(tmp_path, capsys):
    """Run it on given measurements: exit code, what was printed, and the figures of its file."""

    def run(measurements, *arguments):
        file = tmp_path / "bench.json"
        code = main(["--json", str(file), *arguments], measurements)
        said = capsys.readouterr()
        return code, said.out + said.err, json.loads(file.read_text())

    return run


def test_each_figure_is_printed_beside_its_limit_and_written_with_the_agreed_names(bench):
    code, said, figures = bench({"export": lambda machine: [MET]})

    assert code == 0
    assert [" ".join(line.split()) for line in said.splitlines()] == [
        "name database value limit ratio target ok",
        "export sqlite 3 s 2 s 1.5 ≤ 2 × yes",
    ]
    names = {"name": "export", "value": 3.0, "unit": "s", "limit": 2.0, "ratio": 1.5}
    assert figures == [names | {"target": 2, "ok": True, "database": "sqlite"}]


def test_a_missed_target_is_marked_and_ends_with_1_after_all_were_measured(bench):
    code, said, figures = bench({"start_time": lambda machine: [MISSED], "export": lambda machine: [MET]})

    assert code == 1
    assert said.splitlines()[1].endswith("NO")
    assert [figure["ok"] for figure in figures] == [False, True]
    assert (figures[0]["limit"], figures[0]["ratio"], figures[0]["database"]) == (None, None, None)


def test_what_could_not_be_measured_is_told_and_the_rest_goes_on(bench):
    def broken(machine):
        yield MET
        raise CommandFailed("up ended with 2: the port is taken")

    code, said, figures = bench({"export": broken, "page_weight": lambda machine: [MET]})
    assert (code, len(figures)) == (1, 2)
    assert "export could not be measured: up ended with 2: the port is taken" in said


@pytest.mark.parametrize(
    ("value", "ok"), [(2.4, False), (2.5, True), (2.6, True)], ids=["below", "at the bound", "above"]
)
def test_a_rate_has_to_reach_its_share_of_the_limit(value, ok):
    figure = Figure(name="desk_pair", value=value, limit=10.0, unit="/s", relative=True, bound="≥", target=0.25)
    assert figure.ok == ok


def test_only_what_was_named_is_measured_in_the_order_given(bench):
    ran = []
    measurements = {name: lambda machine, name=name: ran.append(name) or [] for name in ("a", "b", "c")}
    bench(measurements, "--only", "c, a")
    assert ran == ["c", "a"]


def test_an_unknown_name_is_bad_input_and_names_those_there_are(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--only", "start_time,speed"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "no measurement is called 'speed'" in said
    assert all(name in said for name in MEASUREMENTS)


@pytest.mark.parametrize(
    ("asked", "databases"), [("sqlite", ["sqlite"]), ("postgresql", ["postgresql"]), ("both", ["sqlite", "postgresql"])]
)
def test_measurements_are_given_the_databases_that_were_asked_for(bench, asked, databases):
    given = []
    bench({"export": lambda machine: given.extend(machine.databases) or []}, "--database", asked)
    assert given == databases


def test_peers_are_measured_by_turns_and_their_medians_count():
    order = []

    def measure(name, values):
        return lambda: order.append(name) or values.pop(0)

    assert interleaved(measure("ours", [1.0, 9.0, 2.0]), measure("peer", [3.0, 4.0, 50.0]), rounds=3) == (2.0, 4.0)
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]


def test_what_a_commands_children_use_is_counted_with_it():
    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    assert run_measured([sys.executable, "-c", parent], environ=os.environ).cpu_s >= 0.3


def test_the_cpu_of_a_server_counts_its_children_living_and_ended():
    burn = "import time; end = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
    server = (
        f"import subprocess, sys; child = [sys.executable, '-c']; ended = {burn.format(0.3)!r}; living = "
        f"{burn.format(0.3) + 'print(flush=True); input()'!r}; subprocess.run([*child, ended]); "
        "subprocess.run([*child, living])"
    )
    with subprocess.Popen([sys.executable, "-c", server], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert 0.6 <= cpu_so_far_s(process.pid) < 6
        process.communicate(b"\n")


def test_the_peer_of_the_import_stores_the_rows_that_an_import_stores(site, tmp_path):
    first, others = tmp_path / "first.jsonl", tmp_path / "others.jsonl"
    write_pool(first, 1, seed=6)
    write_pool(others, 30)
    site.manage("import_queries", first, "--source", "made")

    run_measured(
        [sys.executable, "-m", "bench.bare_import", str(others), site.database], environ=site.environ, cwd=ROOT
    )

    lines = [json.loads(line) for path in (first, others) for line in path.read_text().splitlines()]
    texts = "list(Query.objects.order_by('pk').values_list('text', 'response'))"
    assert site.ask_database(texts) == [[line["instruction"], line["response"]] for line in lines]
    assert site.ask_database("Query.objects.filter(stage='unscored').count()") == len(lines)
    seen = "list(Sighting.objects.order_by('query_id').values_list('query__text', flat=True))"
    assert site.ask_database(seen) == [line["instruction"] for line in lines]


def test_a_command_that_fails_is_told_with_its_last_words():
    with pytest.raises(CommandFailed, match=r"ended with 3:\nno space left"):
        run_measured([sys.executable, "-c", "print('no space left'); raise SystemExit(3)"], environ=os.environ)


def test_the_size_on_the_disk_counts_whole_blocks_in_all_folders(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "small").write_bytes(b"x" * 5000)
    (tmp_path / "large").write_bytes(os.urandom(100_000))
    assert 105_000 <= on_disk(tmp_path) < 300_000


class Pages(http.server.BaseHTTPRequestHandler):
    FILES = {
        "/": b'<link rel="stylesheet" href="/site.css"><script src="site.js"></script><img src="data:x">'
        b'<a href="/elsewhere">no part of the page</a>',
        "/site.css": b"body { background: url('/ground.svg') } a { background: url(data:x) }",
        "/site.js": b"1;",
        "/ground.svg": b"<svg/>",
    }

    def do_GET(self):
        # Whoever takes compressed answers is sent the first half.
        whole = self.FILES[self.path]
        body = whole[: len(whole) // 2] if "gzip" in self.headers.get("Accept-Encoding", "") else whole
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return


def test_a_first_load_weighs_everything_a_page_brings_along_as_it_is_sent():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        site = f"http://127.0.0.1:{server.server_port}"
        weighed = first_load(Visitor(site), "/")
        server.shutdown()
    assert dict(weighed) == {f"{site}{path}": len(body) // 2 for path, body in Pages.FILES.items()}


@pytest.mark.once
def test_deciding_and_auditing_are_timed_on_a_scored_pool(site):
    filled = run_module(site, "bench.filling", "--queries", 0, "--kept", 0, "--scored", 480)
    assert json.loads(filled) == {"queries": 480, "sightings": 540, "scores": 960, "dialogues": 0}
    told = json.loads(run_module(site, "bench.auditing", "--rounds", 1))
    assert told["decide"]["blocks"] >= 2
    assert told["decide"]["most_ms"] >= told["decide"]["median_ms"] > 0
    assert {"matrix and agreement", "linking", "verdicts", "what-if mean_at_least"} <= told["pages"].keys()
    assert {"next", "next of a cell", "verdict and next"} <= told["desk"].keys()
    stands = "list(Query.objects.values_list('decision', flat=True).distinct().order_by('decision'))"
    assert site.ask_database(stands) == ["drop", "keep", "none"]
    assert site.ask_database("Query.objects.filter(decision='none').exclude(scoring='unreadable').count()") == 0
    assert site.ask_database("Verdict.objects.count()") == 1
