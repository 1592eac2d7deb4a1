"""Settings, addresses and the one place where the rooms are bound together."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
