"""The quality of the checks: subjects by name, the folder of probes, and the exit code."""

import json

import pytest

from bench.figures import Figure
from quality.__main__ import SUBJECTS, main

KNOWN = Figure(name="contamination_queue", value=1640, unit="pairs", target=None)
MISSED = Figure(name="near_duplicates_typo", value=90.0, unit="% merged", target=95, bound="≥")


@pytest.fixture
def quality(tmp_path, capsys):
    """Run it on given subjects and an empty folder of probes: exit code, what was printed, the figures of its file."""

    def run(subjects, *arguments):
        file = tmp_path / "quality.json"
        code = main(["--json", str(file), "--probes", str(tmp_path), *arguments], subjects)
        said = capsys.readouterr()
        return code, said.out + said.err, json.loads(file.read_text())

    return run


def test_a_figure_without_a_target_is_shown_and_never_missed(quality):
    code, said, figures = quality({"contamination": lambda machine, probes: [KNOWN]})
    assert code == 0
    assert said.splitlines()[1].split() == ["contamination_queue", "–", "1,640", "pairs", "–", "–", "–", "yes"]
    assert (figures[0]["target"], figures[0]["ok"]) == (None, True)


def test_a_missed_target_ends_with_1_after_all_were_measured(quality):
    subjects = {"near_duplicates": lambda *_: [MISSED], "contamination": lambda *_: [KNOWN]}
    code, said, figures = quality(subjects)
    assert (code, len(figures)) == (1, 2)
    assert said.splitlines()[1].endswith("NO")


def test_subjects_are_given_the_folder_of_probes_and_only_those_named_run(quality, tmp_path):
    given = []
    subjects = {name: lambda machine, probes, name=name: given.append((name, probes)) or [] for name in ("a", "b")}
    quality(subjects, "--only", "b")
    assert given == [("b", tmp_path)]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "speed"], "no measurement is called 'speed'"),
        (["--probes", "/nowhere"], "there is no folder /nowhere"),
    ],
)
def test_bad_input_is_named(capsys, arguments, complaint):
    with pytest.raises(SystemExit) as ended:
        main(arguments, SUBJECTS)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
