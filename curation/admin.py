"""The admin's tables of queries, with bulk decisions, and of where they came from and who judges them."""

from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest

from accounts.models import Door, User
from accounts.site import NamedValuesFilter, ReadingAdmin, ReasonForm, counted_by_cells, tell_of
from curation.audits import auditing
from curation.models import Benchmark, ImportBatch, Judge, Query, QueryCount, Source, Stage, Template
from web.paging import Searched


class StageFilter(admin.SimpleListFilter):
    """By the stage that the database computes."""

    title = "stage"
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(stage.value, str(stage.label)) for stage in Stage]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(stage=self.value()) if self.value() else queryset


# The admin's names of filters → the columns of the counts that the database keeps.
COUNTED_BY = {
    "stage": "stage",
    "language": "language",
    "disputed__exact": "disputed",
    "source__id__exact": "source",
}


@admin.register(Query)
class QueryAdmin(ReadingAdmin):
    """Queries: to approve is to keep them, to reject is to drop them, back to review opens the decision again."""

    list_display = ("pk", "start", "stage", "disputed", "mean", "language", "source")
    list_display_links = ("pk", "start")
    list_filter = (
        StageFilter,
        "disputed",
        "decision",
        "contamination",
        "source",
        ("language", NamedValuesFilter),
        ("natural_language", NamedValuesFilter),
    )
    list_select_related = ("source",)
    searched = Searched(Query)
    action_form = ReasonForm
    actions = ("approve", "reject", "back_to_review")

    def get_paginator(self, request: HttpRequest, *arguments: Any, **named: Any) -> Paginator:
        paginator = super().get_paginator(request, *arguments, **named)
        known = counted_by_cells(request.GET, QueryCount.objects.all(), COUNTED_BY)
        if known:
            paginator.count = known  # in place of a count that is made when asked for
        return paginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Query]:
        queries: QuerySet[Query] = super().get_queryset(request)
        return queries.annotate(text_start=Left("text", 120))

    @admin.display(description="text")
    def start(self, query: Query) -> str:
        return str(getattr(query, "text_start", query.text[:120]))

    @admin.action(description="Approve: keep the selected queries")
    def approve(self, request: HttpRequest, rows: QuerySet[Query]) -> None:
        kept = auditing.keep_many(_keys(rows), by=_by(request), door=Door.ADMIN, note=_reason(request))
        tell_of(request, kept, "Kept")

    @admin.action(description="Reject: drop the selected queries")
    def reject(self, request: HttpRequest, rows: QuerySet[Query]) -> None:
        dropped = auditing.drop_many(_keys(rows), by=_by(request), door=Door.ADMIN, note=_reason(request))
        tell_of(request, dropped, "Dropped")

    @admin.action(description="Back to review: open the decision again")
    def back_to_review(self, request: HttpRequest, rows: QuerySet[Query]) -> None:
        reopened = auditing.reopen_many(_keys(rows), by=_by(request), door=Door.ADMIN, note=_reason(request))
        tell_of(request, reopened, "Opened again")


@admin.register(Source)
class SourceAdmin(ReadingAdmin):
    list_display = ("slug", "title", "created_at")


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadingAdmin):
    list_display = ("file_name", "source", "holds", "state", "read", "accepted", "duplicates", "rejected", "started_at")
    list_filter = ("holds", "state", "source")
    list_select_related = ("source",)


@admin.register(Template)
class TemplateAdmin(ReadingAdmin):
    list_display = ("name", "version", "answer_order", "created_at")
    list_filter = ("name",)


@admin.register(Judge)
class JudgeAdmin(ReadingAdmin):
    list_display = ("template", "model", "draw", "counts", "created_at")
    list_filter = ("counts", "model")
    list_select_related = ("template",)


@admin.register(Benchmark)
class BenchmarkAdmin(ReadingAdmin):
    list_display = ("name", "sha256", "created_at")


def _keys(rows: QuerySet[Query]) -> list[int]:
    return list(rows.order_by().values_list("pk", flat=True))


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()
