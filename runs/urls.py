"""Addresses of runs."""

from django.urls import URLPattern, path

app_name = "runs"
urlpatterns: list[URLPattern] = []
