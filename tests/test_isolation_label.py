"""Wherever a page shows a run that had less around it than bubblewrap gives, it says so."""

import pytest
from django.urls import reverse

import sandbox
from dialogues.models import Turn
from runs.models import Execution
from tests.making import a_dialogue

pytestmark = pytest.mark.django_db
LABEL = "reduced isolation"


@pytest.fixture
def shown(reviewer_client, curator_client):
    """The pages that show a dialogue whose program ran in a backend."""

    def pages(backend):
        execution = Execution.objects.create(
            key=backend,
            code="print(6 * 7)",
            language="python",
            limits={},
            runtime="python 3.11",
            backend=backend,
            status="ok",
            phase="run",
            stdout="42\n",
            exit_code=0,
            wall_s=0.1,
            cpu_s=0.1,
            peak_rss_bytes=1,
        )
        dialogue = a_dialogue()
        Turn.objects.filter(dialogue=dialogue, position=1).update(execution=execution)
        Turn.objects.filter(dialogue=dialogue, position=2).update(kind="execution", execution=execution)
        addresses = {
            "read": dialogue.get_absolute_url(),
            "desk": reverse("dialogues:review_item", args=[dialogue.pk]),
        }
        return {name: reviewer_client.get(address, follow=True) for name, address in addresses.items()}

    return pages


@pytest.mark.parametrize("backend", ["landlock", "remote:landlock"])
def test_every_page_that_shows_such_a_run_says_so(shown, backend):
    for name, page in shown(backend).items():
        assert page.status_code == 200, name
        # Once for the answer that was run and once for the turn that reports it.
        assert page.content.decode().count(LABEL) == 2, name


@pytest.mark.parametrize("backend", ["bubblewrap", "remote:bubblewrap"])
def test_a_run_in_bubblewrap_needs_no_label(shown, backend):
    for page in shown(backend).values():
        assert LABEL not in page.content.decode()


def test_the_start_page_says_it_of_the_backend_itself(reviewer_client, settings, monkeypatch):
    if sandbox.landlock.missing():
        pytest.skip(sandbox.landlock.missing())
    monkeypatch.setenv("SANDBOX_SETUP", "embedded")
    settings.SANDBOX = "landlock"
    assert f"landlock, {LABEL}" in reviewer_client.get("/").content.decode()
