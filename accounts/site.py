"""The admin site for administrators, and what its tables share: rows are read there, and changed by recorded verbs."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Action
from accounts.roles import Role, role_of
from web.counts import counted, values_of
from web.kept_counts import total
from web.paging import PAGE_SIZE, Searched, newest_matching
from web.search import words_of

# So many of the rows that a search finds are listed, the newest.
FOUND_AT_MOST = 100
# What else stands in an address of the admin: the page, the order, and whether all are shown.
NO_FILTERS = ("p", "o", "all")


class KeyPaginator(Paginator):
    """Finds the keys of a page in an index alone: reading past 50,000 whole rows takes longer than the page itself."""

    def page(self, number: int | str) -> Page[Any]:
        rows = cast("QuerySet[Any]", self.object_list)
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        keys = list(rows.values_list("pk", flat=True)[start : start + self.per_page])
        return Page(rows.filter(pk__in=keys), number, self)


def counted_by_cells(asked: QueryDict, cells: QuerySet[Any], columns: Mapping[str, str]) -> int | None:
    """How many rows the filters of an address leave, by the counts that the database keeps; None: they cannot tell.

    `columns` names the column of the cells for each filter that they know.
    """
    filters = {name: values for name, values in asked.lists() if name not in NO_FILTERS}
    if not filters.keys() <= columns.keys():
        return None
    return total(cells.filter(**{f"{columns[name]}__in": values for name, values in filters.items()}))


class StudioAdminSite(admin.AdminSite):
    """Open to administrators, by role and not by Django's staff flag."""

    site_header = "Code Feedback Studio: administration"
    site_title = "Administration"
    index_title = "Tables"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR


class ReasonForm(ActionForm):
    """A bulk action with the reason it is done for."""

    reason = forms.CharField(required=False, label="Reason:", max_length=300)


class ReadingAdmin(admin.ModelAdmin):
    """Rows that administrators read; nothing is added, changed or deleted but by the actions that verbs carry out."""

    show_full_result_count = False
    paginator = KeyPaginator
    # The admin's only inline style is in the place of this bar.
    actions_on_top = True
    list_per_page = PAGE_SIZE
    # In each link they would cost a look-up of its address, half of what a page takes. The browser's Back has them.
    preserve_filters = False
    ordering = ("-pk",)
    # Whose words a search looks for: the table has a search index of web.search.
    searched: Searched | None = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return role_of(request.user) >= Role.ADMINISTRATOR

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def action_checkbox(self, obj: Model) -> SafeString:
        """The box of a row. Django makes a widget of each: a tenth of what a page takes."""
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="Select {} for an action">'
        return format_html(box, ACTION_CHECKBOX_NAME, obj.pk, obj)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Only their presence counts: it makes the admin show the search box.
        return ("pk",) if self.searched else tuple(self.search_fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if self.searched is None:
            return super().get_search_results(request, queryset, search_term)
        if not words_of(search_term):
            return queryset, False
        keys = newest_matching(queryset, self.searched, search_term, limit=FOUND_AT_MOST + 1)
        if len(keys) > FOUND_AT_MOST and request.method == "GET":
            messages.info(request, f"More than {FOUND_AT_MOST:,} match: these are the newest. Filter to see others.")
        return queryset.filter(pk__in=keys[:FOUND_AT_MOST]), False


def tell_of(request: HttpRequest, action: Action, words: str) -> None:
    """Say what a bulk action did, with the way to undo it."""
    address = reverse("accounts:action", args=[action.pk])
    link = format_html('<a href="{}">Look at it or undo it</a>', address)
    messages.success(request, format_html("{} ({} changed). {}", words, counted(action.rows_changed, "row"), link))


class NamedValuesFilter(admin.AllValuesFieldListFilter):
    """All values of a text column that an index leads with; the empty one is a link with words too."""

    def __init__(self, field: Any, *place: Any, **named: Any) -> None:
        super().__init__(field, *place, **named)
        # In place of a walk through all rows; Django gives a null its own words.
        values: Any = [*values_of(field.model, field.name), *([None] if field.null else [])]
        self.lookup_choices = values

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "none"}
