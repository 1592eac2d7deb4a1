"""Clusters of queries that are alike: the list with its filters, one cluster, and a person's word on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Action, ActionRow, User
from accounts.roles import Role, needs
from curation.duplicates import settling
from curation.duplicates.cluster_texts import TEXTS
from curation.duplicates.finding import VERB
from curation.duplicates.sameness import Kind
from curation.models import ClusterKind, ClusterMember, DuplicateCluster, Query, Source
from curation.views.passes import passes_shown
from web.counts import counted, counted_words, counts_by
from web.desk import keys_for
from web.diffs import Piece, pieces_between
from web.notices import tell_done, tell_refused
from web.pages import page_or_part
from web.paging import Order, Page, next_to, page_of

SHOWN_OF_TEXT = 280
MEMBERS_SHOWN = 30
LARGEST_FIRST = Order("size")
EARLIEST_FIRST = Order(key_descending=False)
ACTIONS_SHOWN = 10
DIFFERENCES = {kind.value: str(kind.label) for kind in Kind} | {"meaning": "the words", "person": "the words"}


class ClusterFilters(forms.Form):
    """What the address may ask for; each field may be absent."""

    kind = forms.ChoiceField(required=False, choices=[("", "all"), *ClusterKind.choices], widget=forms.HiddenInput)
    q = forms.CharField(
        required=False,
        label="Words in a query",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    source = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = Source.objects.values_list("slug", flat=True)
        self.fields["source"].choices = [("", "any"), *((slug, slug) for slug in slugs)]  # type: ignore[attr-defined]


class JoinForm(forms.Form):
    """Which cluster is to be merged into the one shown."""

    other = forms.IntegerField(label="Number of the other cluster", min_value=1, max_value=2**63 - 1)


class PlaceForm(forms.Form):
    """The query whose place among the members is asked for."""

    member = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


@dataclass(frozen=True, slots=True)
class Facet:
    """One kind above the list, with how many clusters there are of it."""

    kind: str
    words: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """A member, and what it has otherwise than the representative."""

    member: ClusterMember
    difference: str
    pieces: list[Piece]


@needs(Role.REVIEWER)
@require_GET
def list_clusters(request: HttpRequest) -> HttpResponse:
    """Clusters, largest first."""
    form = ClusterFilters(request.GET)
    form.is_valid()
    kind, source, search = (form.cleaned_data.get(name, "") for name in ("kind", "source", "q"))
    rows = DuplicateCluster.objects.filter(size__gt=1)
    if source:
        rows = rows.filter(source=Source.objects.filter(slug=source).values_list("pk", flat=True).first())
    # With a search there are no counts, since every match would have to be read.
    facets = [] if search else _facets(rows, kind)
    text = Query.objects.filter(pk=OuterRef("representative")).values(start=Left("text", SHOWN_OF_TEXT))
    shown = DuplicateCluster.objects.select_related("source").annotate(start=Subquery(text))
    rows = rows.filter(kind=kind) if kind else rows
    page = page_of(rows, request.GET, shown=shown, order=LARGEST_FIRST, search=search, searched=TEXTS)
    found = next((facet.count for facet in facets if facet.is_current), None)
    context = {
        "form": form,
        "facets": facets,
        "page": page,
        "is_narrowed": bool(kind or source or search),
        "counted": counted_words(page, found, "cluster", "clusters"),
    } | passes_shown("duplicates")
    return page_or_part(request, "curation/clusters.html", "curation/_cluster_list.html", context)


@needs(Role.REVIEWER)
@require_GET
def show_cluster(request: HttpRequest, pk: int) -> HttpResponse:
    """The representative, and each member with its differences marked; `member` in the address opens its page."""
    cluster = get_object_or_404(DuplicateCluster.objects.select_related("representative__source"), pk=pk)
    form = PlaceForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data.get("member")
    page = _members(cluster, request.GET, asked)
    first = cluster.representative
    beside = [
        Beside(one, DIFFERENCES.get(one.how, one.how), pieces_between(first.text, one.query.text)) for one in page.rows
    ]
    listed = DuplicateCluster.objects.filter(size__gt=1)
    actions = _actions_on(cluster)
    context = {
        "cluster": cluster,
        "first": first,
        "beside": beside,
        "page": page,
        "counted": counted(max(0, cluster.size - 1), "member"),
        "begin_at": _begin_at(page, asked, backwards="before" in request.GET),
        "actions": actions,
        "undoable": _undoable(actions),
        "join_form": JoinForm(),
        "before": next_to(cluster, listed, LARGEST_FIRST, backwards=True),
        "after": next_to(cluster, listed, LARGEST_FIRST, backwards=False),
        "desk_keys": keys_for(request.user, "cluster"),
    }
    return render(request, "curation/cluster.html", context)


VERBS: dict[str, Callable[..., Action]] = {
    "keep": settling.keep,
    "part": settling.part,
    "represent": settling.represent,
}


@needs(Role.CURATOR)
@require_POST
def settle_member(request: HttpRequest, pk: int, query_id: int, verb: str) -> HttpResponse:
    """Keep a member as a duplicate, tell it apart, or let it stand for the cluster."""
    following = _following(pk, query_id)
    place = following.get_absolute_url() if following else ""
    return _settled(request, pk, lambda by: VERBS[verb](pk, query_id, by=by), place=place)


@needs(Role.CURATOR)
@require_POST
def dissolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that no two queries of the cluster ask the same."""
    return _settled(request, pk, lambda by: settling.dissolve(pk, by=by))


@needs(Role.CURATOR)
@require_POST
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Merge the cluster of that number into this one."""
    form = JoinForm(request.POST)
    if form.is_valid():
        return _settled(request, pk, lambda by: settling.join(pk, form.cleaned_data["other"], by=by))
    tell_refused(request, "Not joined: give the number of the other cluster; its page and the list show it.")
    return redirect(get_object_or_404(DuplicateCluster, pk=pk))


def _settled(request: HttpRequest, pk: int, verb: Callable[[User], Action], *, place: str = "") -> HttpResponse:
    cluster = get_object_or_404(DuplicateCluster, pk=pk)
    try:
        action = verb(cast(User, request.user))
    except settling.CannotSettle as refusal:
        tell_refused(request, f"Not done: {refusal}.")
    else:
        tell_done(request, f"{action.verb.capitalize()}: {action.rows_changed} rows changed.", action_id=action.pk)
    return redirect(place or cluster)


def _following(pk: int, query_id: int) -> ClusterMember | None:
    """Where the reader goes on: at the member after this one, else at the last that stays."""
    members = ClusterMember.objects.filter(cluster=pk, stands=True).exclude(query=query_id)
    mine = ClusterMember.objects.filter(cluster=pk, query=query_id).values_list("pk", flat=True).first() or 0
    return members.filter(pk__gt=mine).order_by("pk").first() or members.order_by("pk").last()


def _members(cluster: DuplicateCluster, address: Mapping[str, Any], asked: int | None) -> Page[ClusterMember]:
    members = cluster.members.filter(stands=True)
    if asked and not (address.get("after") or address.get("before")):
        address = {"after": _page_with(members, asked)}
    shown = ClusterMember.objects.select_related("query__source")
    return page_of(members, address, shown=shown, order=EARLIEST_FIRST, size=MEMBERS_SHOWN)


def _page_with(members: QuerySet[ClusterMember], query_id: int) -> str:
    """The cursor of the page that holds this query, as who leafs from the first page comes upon it."""
    member = members.filter(query=query_id).first()
    earlier = members.filter(pk__lt=member.pk).count() if member else 0
    begin = earlier - earlier % MEMBERS_SHOWN
    return EARLIEST_FIRST.cursor(members.order_by("pk")[begin - 1]) if begin else ""


def _begin_at(page: Page[ClusterMember], asked: int | None, *, backwards: bool) -> int | None:
    """Which member the keys speak of first; whoever comes back from the page behind goes on at the last."""
    shown = [member.query_id for member in page.rows]
    if asked in shown or not shown:
        return asked
    return shown[-1 if backwards else 0]


def _actions_on(cluster: DuplicateCluster) -> list[Action]:
    """The newest first. To keep a member changes its row alone."""
    # As keys: behind an "or", PostgreSQL would not enter the index by a subquery.
    members = list(cluster.members.order_by().values_list("pk", flat=True))
    of_cluster = Q(table="curation.duplicatecluster", row_id=cluster.pk)
    rows = ActionRow.objects.filter(of_cluster | Q(table="curation.clustermember", row_id__in=members))
    actions = Action.objects.filter(pk__in=rows.values("action")).select_related("by")
    return list(actions.order_by("-pk")[:ACTIONS_SHOWN])


def _undoable(actions: list[Action]) -> Action | None:
    """The last word of a person on this cluster; a whole pass is not undone from the page of one cluster."""
    last = actions[0] if actions else None
    return last if last and last.can_be_undone and last.verb.removeprefix("undo ") != VERB else None


def _facets(rows: Any, chosen: str) -> list[Facet]:
    counts = counts_by(rows, "kind")
    kinds = [("", "all", sum(counts.values())), *((k.value, str(k.label), counts.get(k.value, 0)) for k in ClusterKind)]
    return [Facet(kind, words, count, is_current=kind == chosen) for kind, words, count in kinds]
