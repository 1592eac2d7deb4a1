"""A search for duplicates that someone asked for: noted, then carried out while its row says how far it is."""

from functools import partial

from django.utils import timezone

from accounts.models import Door, User
from curation.duplicates.finding import COUNTED, find_duplicates
from curation.duplicates.nearby import nearby_queries
from curation.models import CompareBy, DuplicatePass
from curation.passes import Progress, unshown
from curation.pool_passes import ask_for, keep_action, told
from embeddings import Embeds


def ask_for_search(*, by: User | None, compare_by: CompareBy) -> DuplicatePass:
    """Note that a search is wanted. Raises AtWork while another goes on."""
    return ask_for(DuplicatePass, by=by, compare_by=compare_by)


def search(one: DuplicatePass, *, door: Door, embedder: Embeds | None, progress: Progress = unshown) -> None:
    """Carry out a search; `embedder` is wanted where it compares by meaning."""
    tell = told(one, progress)
    found = find_duplicates(
        by=one.by,
        door=door,
        progress=tell,
        only_form=one.compare_by == CompareBy.FORM,
        nearby=partial(nearby_queries, embedder, tell) if embedder else None,
        began=partial(keep_action, one),
    )
    one.found = {"checked": found.checked} | {name: getattr(found, name) for name in COUNTED}
    one.finished_at = timezone.now()
    one.save(update_fields=["found", "finished_at"])
