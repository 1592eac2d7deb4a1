"""Addresses of dialogues: the list, one dialogue, exports, and the review desk."""

from django.urls import URLPattern, path

from dialogues.views import dialogues, exports

app_name = "dialogues"
urlpatterns: list[URLPattern] = [
    path("dialogues/", dialogues.list_dialogues, name="dialogues"),
    path("dialogues/<int:pk>/", dialogues.show_dialogue, name="detail"),
    path("exports/", exports.list_exports, name="exports"),
    path("exports/<int:pk>/file/", exports.download, name="download"),
    # the review desk
]
