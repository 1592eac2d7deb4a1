"""The admin's tables of runs and endpoint buckets."""

from django.contrib import admin

from accounts.site import ReadingAdmin
from runs.models import EndpointBucket, Run


@admin.register(Run)
class RunAdmin(ReadingAdmin):
    list_display = ("pk", "title", "kind", "state", "items_total", "items_done", "items_failed", "spent", "by")
    list_display_links = ("pk", "title")
    list_filter = ("state", "kind")
    list_select_related = ("by",)
    exclude = ("rate_samples",)


@admin.register(EndpointBucket)
class EndpointBucketAdmin(ReadingAdmin):
    list_display = ("endpoint", "requests_left", "tokens_left", "filled_at", "blocked_until")
