"""The admin's tables of dialogues, with bulk decisions, and of what was exported."""

from typing import cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.models import Door, User
from accounts.site import NamedValuesFilter, ReadingAdmin, ReasonForm, tell_of
from dialogues import reviewing
from dialogues.models import Dialogue, Export, Review, Turn
from web.paging import Searched

REFUSALS_SHOWN = 5


class TurnInline(admin.TabularInline):
    """The turns of a dialogue, to be read."""

    model = Turn
    fields = ("position", "role", "kind", "category", "content", "stale")
    extra = 0
    max_num = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Dialogue)
class DialogueAdmin(ReadingAdmin):
    """Dialogues; words are sought in their turns."""

    list_display = ("pk", "title", "state", "method", "language", "last_run_clean", "scripted", "changed_at")
    list_display_links = ("pk", "title")
    list_filter = ("state", "method", "last_run_clean", "scripted", "source", ("language", NamedValuesFilter))
    searched = Searched(Turn, "dialogue")
    inlines = (TurnInline,)
    action_form = ReasonForm
    actions = ("approve", "reject", "back_to_review")

    @admin.action(description="Approve the selected dialogues")
    def approve(self, request: HttpRequest, rows: QuerySet[Dialogue]) -> None:
        done = reviewing.approve_many(_keys(rows), by=_by(request), door=Door.ADMIN, note=_reason(request))
        tell_of(request, done.action, "Approved")
        _tell_refusals(request, done.refused)

    @admin.action(description="Reject the selected dialogues (needs a reason)")
    def reject(self, request: HttpRequest, rows: QuerySet[Dialogue]) -> None:
        try:
            done = reviewing.reject_many(_keys(rows), _reason(request), by=_by(request), door=Door.ADMIN)
        except reviewing.NotReviewable as error:
            messages.error(request, f"Nothing was rejected: {error}.")
            return
        tell_of(request, done.action, "Rejected")

    @admin.action(description="Send the selected dialogues back to review")
    def back_to_review(self, request: HttpRequest, rows: QuerySet[Dialogue]) -> None:
        done = reviewing.send_back_many(_keys(rows), by=_by(request), door=Door.ADMIN, note=_reason(request))
        tell_of(request, done.action, "Sent back to review")


@admin.register(Review)
class ReviewAdmin(ReadingAdmin):
    list_display = ("pk", "dialogue", "outcome", "by", "edited", "withdrawn", "at")
    list_filter = ("outcome", "by", "edited")
    list_select_related = ("dialogue", "by")


@admin.register(Export)
class ExportAdmin(ReadingAdmin):
    list_display = ("file_name", "layout", "state", "dialogues", "refused", "by", "started_at")
    list_filter = ("state", "layout")
    list_select_related = ("by",)
    exclude = ("version_ids",)


def _tell_refusals(request: HttpRequest, refused: dict[int, str]) -> None:
    if refused:
        shown = "; ".join(f"{pk}: {why}" for pk, why in list(refused.items())[:REFUSALS_SHOWN])
        more = f"; and {len(refused) - REFUSALS_SHOWN} more" if len(refused) > REFUSALS_SHOWN else ""
        messages.warning(request, f"{len(refused)} left as they were. {shown}{more}.")


def _keys(rows: QuerySet[Dialogue]) -> list[int]:
    return list(rows.order_by().values_list("pk", flat=True))


def _by(request: HttpRequest) -> User:
    return cast(User, request.user)


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()
