"""Addresses of queries: the list, one query, imports, and the audit desk."""

from django.urls import URLPattern, path

from curation.views import audit, batches, queries, scoring

app_name = "curation"
urlpatterns: list[URLPattern] = [
    path("queries/", queries.list_queries, name="queries"),
    path("queries/<int:pk>/", queries.show_query, name="query"),
    path("queries/score/", scoring.ask_for_scoring, name="score"),
    path("imports/", batches.list_batches, name="batches"),
    path("imports/<int:pk>/", batches.show_batch, name="batch"),
    # the audit desk
    path("audit/", audit.audit_queue, name="audit"),
    path("audit/<int:pk>/", audit.audit_item, name="audit_item"),
    path("audit/<int:pk>/skip/", audit.audit_skip, name="audit_skip"),
    path("audit/<int:pk>/reopen/", audit.audit_reopen, name="audit_reopen"),
]
