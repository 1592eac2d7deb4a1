"""All addresses of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.start, name="home"),
    path("", include("accounts.urls")),
    path("", include("curation.urls")),
    path("", include("dialogues.urls")),
    path("", include("runs.urls")),
    path("admin/login/", home.enter_admin, name="enter_admin"),
    path("admin/", admin.site.urls),
]
