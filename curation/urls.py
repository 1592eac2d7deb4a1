"""Addresses of queries: the list, one query, imports, and the audit desk."""

from django.urls import URLPattern, path

from curation.views import (
    audit,
    batches,
    clusters,
    contamination,
    lines,
    passes,
    queries,
    scores,
    scoring,
    searching,
    suspect_runs,
    suspects,
    teaching,
    whatif,
)

app_name = "curation"
urlpatterns: list[URLPattern] = [
    path("queries/", queries.list_queries, name="queries"),
    path("queries/<int:pk>/", queries.show_query, name="query"),
    path("queries/score/", scoring.ask_for_scoring, name="score"),
    path("imports/", batches.list_batches, name="batches"),
    path("imports/lines/", lines.list_lines, name="lines"),
    path("imports/<int:pk>/", batches.show_batch, name="batch"),
    path("imports/<int:pk>/rejected.csv", batches.download_rejected, {"form": "csv"}, name="rejected_csv"),
    path("imports/<int:pk>/rejected.jsonl", batches.download_rejected, {"form": "jsonl"}, name="rejected_jsonl"),
    # contamination, and the desk of its suspects
    path("contamination/", contamination.list_hits, name="contamination"),
    path("contamination/passes/", passes.list_passes, {"sort": "contamination"}, name="contamination_passes"),
    path("contamination/passes/<int:pk>/cancel/", passes.cancel_pass, {"sort": "contamination"}, name="cancel_check"),
    path("contamination/opinions/", suspect_runs.ask_for_opinions, name="judge_suspects"),
    path("contamination/execution/", suspect_runs.ask_for_execution, name="execute_suspects"),
    path("contamination/check/", contamination.ask_for_contamination_check, name="check_contamination"),
    path("contamination/suspects/", suspects.suspect_queue, name="suspects"),
    path("contamination/suspects/<int:pk>/", suspects.show_suspect, name="suspect"),
    path("contamination/suspects/<int:pk>/skip/", suspects.skip_suspect, name="suspect_skip"),
    path("contamination/suspects/<int:pk>/reopen/", suspects.reopen_suspect, name="suspect_reopen"),
    # about scores
    path("scores/", scores.show_agreement, name="agreement"),
    path("scores/linking/", scores.show_linking, name="linking"),
    path("scores/behind/", scores.list_behind, name="behind"),
    path("scores/what-if/", whatif.foresee, name="whatif"),
    path("scores/what-if/decide/", whatif.start_pass, name="start_pass"),
    path("scores/passes/<int:pk>/", whatif.show_pass, name="rule_pass"),
    path("scores/verdicts/", teaching.show_lessons, name="lessons"),
    # near-duplicates
    path("duplicates/", clusters.list_clusters, name="clusters"),
    path("duplicates/find/", searching.ask_for_duplicate_search, name="find_duplicates"),
    path("duplicates/passes/", passes.list_passes, {"sort": "duplicates"}, name="duplicate_passes"),
    path("duplicates/passes/<int:pk>/cancel/", passes.cancel_pass, {"sort": "duplicates"}, name="cancel_search"),
    path("duplicates/<int:pk>/", clusters.show_cluster, name="cluster"),
    path("duplicates/<int:pk>/dissolve/", clusters.dissolve, name="dissolve_cluster"),
    path("duplicates/<int:pk>/join/", clusters.join, name="join_cluster"),
    path("duplicates/<int:pk>/<int:query_id>/keep/", clusters.settle_member, {"verb": "keep"}, name="keep_member"),
    path("duplicates/<int:pk>/<int:query_id>/part/", clusters.settle_member, {"verb": "part"}, name="part_member"),
    path(
        "duplicates/<int:pk>/<int:query_id>/represent/",
        clusters.settle_member,
        {"verb": "represent"},
        name="represent_member",
    ),
    # the audit desk
    path("audit/", audit.audit_queue, name="audit"),
    path("audit/<int:pk>/", audit.audit_item, name="audit_item"),
    path("audit/<int:pk>/skip/", audit.audit_skip, name="audit_skip"),
    path("audit/<int:pk>/reopen/", audit.audit_reopen, name="audit_reopen"),
]
