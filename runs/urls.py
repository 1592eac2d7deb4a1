"""Addresses of runs."""

from django.urls import URLPattern, path

from runs.views import controls, proposals, watching

app_name = "runs"
urlpatterns: list[URLPattern] = [
    path("runs/", watching.list_runs, name="runs"),
    path("runs/<int:pk>/", watching.show_run, name="detail"),
    path("runs/<int:pk>/lost/", watching.list_lost, name="lost"),
    path("runs/<int:pk>/budget/", controls.change_budget, name="budget"),
    path("runs/<int:pk>/compact/", controls.compact_run, name="compact"),
    path("runs/<int:pk>/<str:verb>/", controls.control_run, name="control"),
    # before a run starts
    path("runs/proposals/<int:pk>/", proposals.show_proposal, name="proposal"),
    path("runs/proposals/<int:pk>/start/", proposals.start_proposed, name="start"),
    path("runs/proposals/<int:pk>/price/", proposals.price_proposed, name="price"),
]
