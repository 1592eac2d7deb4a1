"""The list of dialogues with its filters, and the read-only page of one dialogue."""

from typing import Any

from django import forms
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.models import ActionRow
from accounts.roles import Role, needs
from curation.models import Source
from dialogues.models import Dialogue, Method, Review, Revision, State, Turn
from dialogues.models.dialogues import EXPORTED_BEFORE, DialogueQuerySet
from dialogues.views.review_desk import flags_in_words
from web.counts import counted_words, counts_by, values_of
from web.pages import page_or_part
from web.paging import Searched, page_of

ACTIONS_SHOWN = 20
# Every state but withdrawn: what the funnel counts.
STANDING = "standing"


class DialogueFilters(forms.Form):
    """What the address may ask for; each field may be absent."""

    state = forms.ChoiceField(
        required=False,
        choices=[("", "all"), (STANDING, "not withdrawn"), *State.choices],
        widget=forms.HiddenInput,
    )
    q = forms.CharField(
        required=False,
        label="Words in a turn",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    method = forms.ChoiceField(required=False, choices=[("", "any"), *Method.choices])
    language = forms.ChoiceField(required=False)
    source = forms.ChoiceField(required=False)
    exported = forms.ChoiceField(
        required=False,
        choices=[("", "any"), ("yes", "yes"), ("no", "not yet"), ("afterwards", "yes, but no longer approved")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = values_of(Dialogue, "language")
        self.fields["language"].choices = [  # type: ignore[attr-defined]  # they are read when the form is made
            ("", "any"),
            *((language, language) for language in languages if language),
            ("unknown", "unknown"),
        ]
        slugs = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in slugs)]  # type: ignore[attr-defined]


@needs(Role.REVIEWER)
@require_GET
def list_dialogues(request: HttpRequest) -> HttpResponse:
    """Dialogues, newest first."""
    form = DialogueFilters(request.GET)
    form.is_valid()
    asked = {name: value for name, value in form.cleaned_data.items() if value}
    search = asked.get("q", "")
    rows = narrowed(Dialogue.objects.all(), asked)
    # With a search there are no counts, since every match would have to be read.
    facets = [] if "q" in asked else _facets(asked)
    found = next((count for state, _, count in facets if state == asked.get("state", "")), None)
    shown = Dialogue.objects.annotate(turns_counted=Count("turns"))
    page = page_of(rows, request.GET, shown=shown, search=search, searched=Searched(Turn, "dialogue"))
    context = {
        "form": form,
        "asked": asked,
        "facets": facets,
        "page": page,
        "lines": [(dialogue, flags_in_words(dialogue)) for dialogue in page.rows],
        "counted": counted_words(page, found, "dialogue", "dialogues"),
    }
    return page_or_part(request, "dialogues/dialogues.html", "dialogues/_dialogue_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_dialogue(request: HttpRequest, pk: int) -> HttpResponse:
    """One dialogue as a conversation, with where each turn came from and what people did with it."""
    dialogue = get_object_or_404(Dialogue.objects.select_related("source", "batch", "item__run", "claimed_by"), pk=pk)
    changes = ActionRow.objects.filter(table="dialogues.dialogue", row_id=pk).select_related("action__by")
    context = {
        "dialogue": dialogue,
        "flags": flags_in_words(dialogue),
        "turns": turns_as_read(dialogue),
        "seeds": dialogue.seeds.select_related("query", "problem").order_by("position"),
        "reviews": Review.objects.filter(dialogue=dialogue).select_related("by").order_by("pk"),
        "versions": dialogue.versions.select_related("by").defer("messages").order_by("number"),
        "comments": dialogue.comments.select_related("by", "turn"),
        "changes": changes.order_by("-pk")[:ACTIONS_SHOWN],
    }
    return render(request, "dialogues/dialogue.html", context)


def turns_as_read(dialogue: Dialogue) -> list[Turn]:
    """The turns in order with their revisions, and what a page says of their call and run."""
    revisions = Prefetch("revisions", Revision.objects.select_related("by").order_by("number"))
    turns = dialogue.turns.select_related("call", "execution").prefetch_related(revisions).order_by("position")
    # The paid question and answer, and the program with its input, are large and not shown here.
    heavy = ["call__request", "call__response", "execution__code", "execution__stdin"]
    return list(turns.defer(*heavy))


def narrowed(rows: DialogueQuerySet, asked: dict[str, str], *, leave_out: str = "") -> DialogueQuerySet:
    """The rows that the filters leave; `leave_out` names one filter that is not applied."""
    applied = {name: value for name, value in asked.items() if name != leave_out}
    if state := applied.get("state"):
        rows = rows.exclude(state=State.WITHDRAWN) if state == STANDING else rows.filter(state=state)
    if method := applied.get("method"):
        rows = rows.filter(method=method)
    if language := applied.get("language"):
        rows = rows.filter(language="" if language == "unknown" else language)
    if source := applied.get("source"):
        # The key first: joined by its slug, the source could not lead the database into the index.
        rows = rows.filter(source_id=Source.objects.filter(slug=source).values_list("pk", flat=True).first())
    if (exported := applied.get("exported")) == "afterwards":
        rows = rows.filter(EXPORTED_BEFORE)
    elif exported:
        # As one of a list: SQLite does not enter an index by a bare truth.
        rows = rows.filter(exported__in=[exported == "yes"])
    return rows


def _facets(asked: dict[str, str]) -> list[tuple[str, str, int]]:
    """States with the count of the other filters."""
    counts = counts_by(narrowed(Dialogue.objects.all(), asked, leave_out="state"), "state")
    standing = sum(count for state, count in counts.items() if state != State.WITHDRAWN)
    return [
        ("", "all", sum(counts.values())),
        (STANDING, "not withdrawn", standing),
        *((state, label, counts.get(state, 0)) for state, label in State.choices),
    ]
