"""The compose file of the full set-up: it parses, and what it names is there."""

import re
from pathlib import Path

import pytest
import yaml

from sandbox.languages import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
PROGRAMS = {"python", "python3", "gunicorn", "celery", "redis-server"}
RUNNER = SERVICES["runner"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "POSTGRES_PASSWORD"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_an_image_waits_for_services_that_exist_and_mounts_named_volumes(name):
    service, volumes = SERVICES[name], yaml.safe_load(TEXT)["volumes"]
    assert ("image" in service) != ("build" in service)
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    for volume in service.get("volumes", []):
        where = volume.split(":")[0]
        assert where in volumes or (ROOT / where).exists()
    if "command" in service:
        assert service["command"][0] in PROGRAMS


def test_the_file_fits_the_compose_specification():
    from compose_spec import PyCompose

    with_defaults = re.sub(r"\$\{\w+(?::-([^}]*))?[^}]*\}", lambda found: found[1] or "set", TEXT)
    filled = yaml.safe_dump(yaml.safe_load(with_defaults))
    assert set(PyCompose.from_yaml(filled).service_names()) == set(SERVICES)
    with pytest.raises(ValueError, match=r"services\.web"):
        PyCompose.from_yaml(filled.replace("- 127.0.0.1:8000:8000", "not: a list"))


def test_both_queues_have_a_worker_and_only_one_clock_beats():
    commands = [" ".join(service.get("command", [])) for service in SERVICES.values()]
    assert sum("-Q runs" in command for command in commands) == 1
    assert sum("-Q jobs" in command for command in commands) == 1
    assert sum(" beat " in command for command in commands) == 1


def test_every_variable_is_explained_in_the_example_or_has_a_default():
    example = (ROOT / ".env.example").read_text()
    for name, default in re.findall(r"\$\{([A-Z_]+)(:-[^}]*)?", TEXT):
        assert f"{name}=" in example or default


def test_nothing_is_privileged_and_no_engine_socket_is_shared():
    assert "privileged" not in TEXT
    assert "docker.sock" not in TEXT
    assert not any("cap_add" in service or "devices" in service for service in SERVICES.values())


def test_only_the_runner_is_freed_of_a_confinement_and_has_a_profile_of_its_own_instead():
    loosened = {name for name, service in SERVICES.items() if "unconfined" in str(service.get("security_opt", ""))}
    assert loosened == {"runner"}
    options = dict(re.split("[=:]", option, maxsplit=1) for option in RUNNER["security_opt"])
    assert options == {
        "no-new-privileges": "true",
        "seccomp": "./deploy/seccomp-runner.json",
        "apparmor": "unconfined",
        "systempaths": "unconfined",
    }
    assert (ROOT / options["seccomp"]).exists()


def test_the_runner_has_no_powers_no_disk_no_secret_and_a_bound_on_what_it_takes():
    assert RUNNER["cap_drop"] == ["ALL"] and RUNNER["read_only"] is True and RUNNER["init"] is True
    assert "volumes" not in RUNNER and "ports" not in RUNNER and "env_file" not in RUNNER
    assert set(RUNNER["environment"]) == {"SANDBOX_TOKEN"}
    assert RUNNER["pids_limit"] > 0 and RUNNER["mem_limit"] == RUNNER["memswap_limit"]
    assert "/health" in str(RUNNER["healthcheck"]["test"])


def test_the_runner_reaches_only_who_asks_it_and_has_no_way_out():
    assert RUNNER["networks"] == ["runner"]
    assert yaml.safe_load(TEXT)["networks"]["runner"] == {"internal": True}
    beside = {name for name, service in SERVICES.items() if "runner" in service.get("networks", [])} - {"runner"}
    assert beside == {"web", "runs", "jobs"}
    for name in beside:
        environment = SERVICES[name]["environment"]
        assert (environment["SANDBOX"], environment["SANDBOX_URL"]) == ("remote", "http://runner:8200")
        assert environment["SANDBOX_TOKEN"] == RUNNER["environment"]["SANDBOX_TOKEN"]
        assert SERVICES[name]["depends_on"]["runner"] == {"condition": "service_healthy"}
    for name in set(SERVICES) - beside - {"runner"}:
        assert "SANDBOX_TOKEN" not in SERVICES[name].get("environment", {})


def stage(name):
    """The lines of one stage of the Dockerfile."""
    return re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)[1]


@pytest.mark.parametrize("name", ["runner", "app"])
def test_an_image_is_named_by_the_services_and_ends_as_an_ordinary_user(name):
    assert any(service.get("build", {}).get("target") == name for service in SERVICES.values())
    user = re.findall(r"^USER (\S+)$", stage(name), re.MULTILINE)
    assert len(user) == 1 and user[0] not in ("root", "0", "0:0")


def test_the_runners_image_holds_the_sandbox_and_nothing_else_of_this_program():
    copied = re.findall(r"^(?:COPY|ADD) (.+)$", stage("runner"), re.MULTILINE)
    assert copied == ["sandbox ./sandbox"]
    assert "SANDBOX=bubblewrap" in stage("runner")
    assert not SECRETS & set(re.findall(r"\w+", stage("runner")))


def test_every_language_of_the_sandbox_is_in_the_runners_image():
    packages = re.search(r'LANGUAGES="([^"]*)"', stage("runner"))[1].split()
    brings = {"g++": {"gcc", "g++"}, "nodejs": {"node"}, "default-jdk-headless": {"java"}, "golang-go": {"go"}}
    brings |= {"php-cli": {"php"}, "lua5.4": {"lua"}, "rustc": {"rustc"}}
    there = {"python3", "bash", "perl"}.union(*(brings.get(package, {package}) for package in packages))
    assert {program for language in LANGUAGES.values() for program in language.programs} <= there
