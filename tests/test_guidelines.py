"""The guidelines beside the audit: versions, who writes them, undo."""

import pytest
from django.urls import reverse

from accounts.actions import undo
from accounts.models import Action
from curation.audits.guidelines import NothingNew, standing_guidelines, write_guidelines
from tests.page_text import words
from tests.test_auditing import a_dispute

pytestmark = pytest.mark.django_db


def test_an_edit_makes_a_version_that_stands_beside_the_audit(curator_client, reviewer_client):
    shipped = standing_guidelines()
    assert shipped.number == 0
    page = curator_client.post(reverse("curation:edit_guidelines"), {"text": "Rate **boldly**."}, follow=True)
    assert "Version 1 stands beside every audit now" in words(page)
    a_dispute()
    desk = reviewer_client.get(reverse("curation:audit"), follow=True)
    assert "<strong>boldly</strong>" in desk.content.decode()
    assert "Version 1" in words(desk)


def test_an_undone_version_gives_way_to_the_one_before(curator):
    write_guidelines("One.", by=curator)
    write_guidelines("Two.", by=curator)
    undo(Action.objects.latest("pk"), by=curator)
    assert standing_guidelines().text == "One.\n"
    assert write_guidelines("Three.", by=curator).number == 3


def test_a_text_that_stands_already_or_says_nothing_is_refused(curator, curator_client):
    write_guidelines("One.", by=curator)
    for text in ("One.", "  "):
        with pytest.raises(NothingNew):
            write_guidelines(text, by=curator)
    page = curator_client.post(reverse("curation:edit_guidelines"), {"text": "One."})
    assert page.status_code == 422
    assert "the text that stands already" in words(page)
