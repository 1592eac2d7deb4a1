"""Addresses of people and actions."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("login/", views.log_in, name="login"),
    path("login/<str:name>/<str:token>/", views.login_link, name="login_link"),
    path("logout/", views.log_out, name="logout"),
    path("preferences/", views.preferences, name="preferences"),
    path("preferences/password/", views.set_password, name="set_password"),
    path("actions/", views.list_actions, name="actions"),
    path("actions/<int:pk>/", views.show_action, name="action"),
    path("actions/<int:pk>/undo/", views.undo_action, name="undo"),
]
