"""Addresses of dialogues: the list, one dialogue, exports, and the review desk."""

from django.urls import URLPattern, path

app_name = "dialogues"
urlpatterns: list[URLPattern] = [
    # the review desk
]
