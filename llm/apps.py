"""App registration: llm is an app only so that it can hold the command `demo_model`."""

from django.apps import AppConfig


class LlmConfig(AppConfig):
    name = "llm"
