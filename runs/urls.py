"""Addresses of runs."""

from django.urls import URLPattern, path

from runs import views

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("runs/", views.list_runs, name="runs"),
    path("runs/<int:pk>/", views.show_run, name="detail"),
    path("runs/<int:pk>/budget/", views.change_budget, name="budget"),
    path("runs/<int:pk>/<str:verb>/", views.control_run, name="control"),
]
