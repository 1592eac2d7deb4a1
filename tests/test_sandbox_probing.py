"""Which backend is chosen, and what is said where none works."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Status, probe, run
from sandbox.probing import remedy

ROOT = Path(__file__).resolve().parent.parent
SHOW = "import sandbox; print(sandbox.probe().line); print(sandbox.run('print(1)').status)"


@pytest.fixture
def altered_machine():
    """Runs Python where a mount hides a part of the machine from it and from nobody else."""
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("mounts cannot be changed here (needs root)")

    def lines(mounts: str) -> list[str]:
        command = f'mount --make-rprivate / && {mounts} && exec "$1" -B -c "$2"'
        shell = ["unshare", "-m", "bash", "-c", command, "bash", sys.executable, SHOW]
        done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
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
def test_the_probe_finds_bubblewrap():
    assert probe("auto").backend == "bubblewrap"
    assert probe("bubblewrap").line.startswith("Sandbox: bubblewrap")


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
@pytest.mark.parametrize(
    ("program", "stand_in", "words"),
    [
        ("bwrap", "/dev/null", "apt install bubblewrap"),
        ("bwrap", "/usr/bin/false", "bubblewrap does not start"),
        ("prlimit", "/usr/bin/false", "bubblewrap does not start"),
        ("setpriv", "/dev/null", "apt install util-linux"),
    ],
)
def test_a_launcher_that_is_missing_or_refuses_runs_nothing(altered_machine, program, stand_in, words):
    line, status = altered_machine(f"mount --bind {stand_in} /usr/bin/{program}")
    assert line.startswith("Sandbox: none, so no code is run.")
    assert words in line
    assert status == Status.SANDBOX_ERROR


@pytest.mark.needs("bubblewrap")
def test_where_a_container_masks_proc_programs_run_without_it(altered_machine):
    masks = "mount -t tmpfs none /proc/irq && mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys"
    assert altered_machine(masks) == ["Sandbox: bubblewrap, without /proc.", "ok"]


def test_root_without_other_user_ids_is_told_so():
    outside = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*outside, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("user namespaces cannot be made here")
    done = subprocess.run(
        [*outside, sys.executable, "-B", "-c", SHOW], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "rootless container" in done.stdout
