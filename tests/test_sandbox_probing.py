"""Which backend is chosen, and what is said where none works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Status, probe, run
from sandbox.landlock import missing
from sandbox.probing import remedy
from tests.sandbox_attack import as_nobody, public_copy, python_for_nobody  # noqa: F401 - a fixture among them

SHOW = "import sandbox; print(sandbox.probe().line); print(sandbox.run('print(1)').status)"
ROOT = Path(__file__).resolve().parent.parent
BROKEN = [
    ("bwrap", "/dev/null", "apt install bubblewrap"),
    ("bwrap", "/usr/bin/false", "bubblewrap does not start"),
    ("prlimit", "/usr/bin/false", "bubblewrap does not start"),
    ("setpriv", "/dev/null", "apt install util-linux"),
]


@pytest.fixture(params=["same user", "ordinary user"])
def altered_machine(request, public_copy):  # noqa: F811
    """Runs Python where a mount hides a part of the machine from it and from nobody else."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("mounts cannot be changed here (needs root)")
    ordinary = request.param == "ordinary user"
    python = [*as_nobody(), python_for_nobody()] if ordinary else [sys.executable]

    def lines(mounts: str, setup: str = "full", setting: str = "auto") -> list[str]:
        # What the test hides from a program, it may have to start it: setpriv stands under another name too.
        shell = f'mount --make-rprivate / && cp /usr/bin/setpriv "$0/setpriv" && {mounts} && exec "$@"'
        start = [str(public_copy / "setpriv"), *python[1:]] if ordinary else python
        done = subprocess.run(
            ["unshare", "-m", "bash", "-c", shell, str(public_copy), *start, "-B", "-c", SHOW],
            cwd=public_copy,
            env=os.environ | {"SANDBOX": setting, "SANDBOX_SETUP": setup},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return lines


@pytest.mark.needs("bubblewrap")
def test_an_unknown_setting_runs_nothing_and_names_the_known_ones(monkeypatch):
    monkeypatch.setenv("SANDBOX", "docker")
    assert probe().backend is None
    assert "SANDBOX=docker" in probe().line
    assert "auto, bubblewrap" in probe().line
    assert run("print(1)").status is Status.SANDBOX_ERROR


@pytest.mark.needs("bubblewrap")
def test_the_probe_finds_bubblewrap_and_says_what_it_contains_and_what_not():
    assert probe("auto").backend == "bubblewrap"
    contains, what, lacks = probe("bubblewrap").line.partition(" It contains ")
    assert contains.startswith("Sandbox: bubblewrap")
    assert what and "network" in lacks and lacks.endswith("; the kernel itself it does not.")


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "/etc/apparmor.d/bwrap"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces"),
        ("user/max_user_namespaces", "100", "seccomp profile"),
    ],
)
def test_where_bubblewrap_is_refused_the_remedy_is_named(tmp_path, setting, value, word):
    (tmp_path / setting).parent.mkdir(parents=True)
    (tmp_path / setting).write_text(f"{value}\n")
    line = remedy("bwrap: No permissions to create a new namespace", tmp_path)
    assert word in line
    assert "No permissions" in line


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize(("program", "stand_in", "words"), BROKEN)
def test_a_launcher_that_is_missing_or_refuses_runs_nothing(altered_machine, program, stand_in, words):
    line, status = altered_machine(f"mount --bind {stand_in} /usr/bin/{program}")
    assert line.startswith("Sandbox: none, so no code is run.")
    assert words in line
    assert status == Status.SANDBOX_ERROR


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize(("program", "stand_in", "words"), BROKEN[:2])
def test_only_an_embedded_set_up_takes_landlock_instead_and_says_so(altered_machine, program, stand_in, words):
    if missing():
        pytest.skip(missing())
    line, status = altered_machine(f"mount --bind {stand_in} /usr/bin/{program}", setup="embedded")
    assert line.startswith("Sandbox: landlock, reduced isolation.")
    assert words in line
    assert status == "ok"


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize(("setup", "setting"), [("embedded", "bubblewrap"), ("", "auto"), ("another", "auto")])
def test_whoever_asks_for_bubblewrap_or_names_no_set_up_gets_nothing_weaker(altered_machine, setup, setting):
    line, status = altered_machine("mount --bind /dev/null /usr/bin/bwrap", setup, setting)
    assert (line.startswith("Sandbox: none"), status) == (True, Status.SANDBOX_ERROR)


def test_a_full_set_up_does_not_take_landlock_even_when_told_to(monkeypatch):
    monkeypatch.setenv("SANDBOX_SETUP", "full")
    found = probe("landlock")
    assert found.backend is None
    assert "full set-up" in found.line and "reduced isolation" in found.line


@pytest.mark.parametrize(("redis", "setup"), [("", "embedded"), ("redis://127.0.0.1:6379/0", "full")])
def test_a_set_up_with_a_broker_is_a_full_one(redis, setup, tmp_path):
    code = "import django; django.setup(); import os; print(os.environ['SANDBOX_SETUP'])"
    environ = os.environ | {"REDIS_URL": redis, "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == setup


@pytest.mark.needs("bubblewrap")
def test_where_a_container_masks_proc_programs_run_without_it(altered_machine):
    masks = "mount -t tmpfs none /proc/irq && mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
    line, status = altered_machine(masks)
    assert (line.startswith("Sandbox: bubblewrap, without /proc"), status) == (True, "ok")


@pytest.mark.needs("bubblewrap")
def test_where_only_the_filter_bars_user_namespaces_the_line_says_so(altered_machine):
    closed = "mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
    line, status = altered_machine(closed)
    assert ("user namespaces inside barred by the filter alone." in line, status) == (True, "ok")
    assert "filter alone" not in probe("bubblewrap").line


def test_root_without_other_user_ids_is_told_so():
    outside = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*outside, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("user namespaces cannot be made here")
    done = subprocess.run(
        [*outside, sys.executable, "-B", "-c", SHOW],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "rootless container" in done.stdout
