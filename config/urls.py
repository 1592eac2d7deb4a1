"""All addresses of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.start, name="home"),
    # Before the rooms: a list of the admin looks up the address of every row it links.
    path("admin/login/", home.enter_admin, name="enter_admin"),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("curation.urls")),
    path("", include("dialogues.urls")),
    path("", include("runs.urls")),
]
