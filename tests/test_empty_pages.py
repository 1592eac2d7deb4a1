"""A page without rows says where they come from: a curator gets there by a button, everybody by a command."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db
UPLOAD, SEARCH, CHECK, BUILD = (
    "dialogues:upload_file",
    "curation:find_duplicates",
    "curation:check_contamination",
    "dialogues:build",
)


@pytest.mark.once
@pytest.mark.parametrize(
    ("page", "beginnings", "command"),
    [
        ("curation:queries", [UPLOAD], "import_queries FILE"),
        ("curation:batches", [UPLOAD], "import_queries FILE"),
        ("curation:lines", [UPLOAD], "import_queries FILE"),
        ("dialogues:funnel", [UPLOAD], "import_queries FILE"),
        ("curation:clusters", [SEARCH], "find_duplicates"),
        ("curation:contamination", [UPLOAD, CHECK], "import_benchmark FILE"),
        ("dialogues:dialogues", [BUILD, UPLOAD], "build packing"),
    ],
)
def test_an_empty_page_names_its_beginning(curator_client, reviewer_client, page, beginnings, command):
    seen = {client: client.get(reverse(page)).content.decode() for client in (curator_client, reviewer_client)}
    for said in seen.values():
        assert f"manage.py {command}" in said
    main = seen[curator_client].partition('class="empty"')[2]
    for beginning in beginnings:
        assert f'href="{reverse(beginning)}"' in main
        assert f'href="{reverse(beginning)}"' not in seen[reviewer_client]
