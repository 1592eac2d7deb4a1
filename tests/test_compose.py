"""The compose file of the full set-up: it parses, and what it names is there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES = yaml.safe_load(TEXT)["services"]
PROGRAMS = {"python", "gunicorn", "celery", "redis-server"}


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

    filled = yaml.safe_dump(yaml.safe_load(re.sub(r"\$\{[^}]*\}", "127.0.0.1:8000", TEXT)))
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
    assert "privileged" not in TEXT.replace("nothing here is privileged", "")
    assert "docker.sock" not in TEXT
