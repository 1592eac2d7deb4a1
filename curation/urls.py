"""Addresses of queries: the list, one query, imports, and the audit desk."""

from django.urls import URLPattern, path

app_name = "curation"
urlpatterns: list[URLPattern] = [
    # the audit desk
]
