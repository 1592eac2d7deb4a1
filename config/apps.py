"""The app that holds the commands `up`, `demo` and `doctor`."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
