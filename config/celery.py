"""The Celery application: two queues, `runs` for slices and `jobs` for everything short."""

import os

from celery import Celery
from django.conf import settings

from config import folder_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")


def _embedded() -> dict[str, object]:
    """Settings for a broker made of folders on this machine, with no service at all."""
    queue, control = settings.BROKER_DIR / "queue", settings.BROKER_DIR / "control"
    for folder in (queue, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": f"{folder_broker.SCHEME}://localhost//",
        "broker_transport_options": {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(control),
            "polling_interval": 0.05,
        },
        "worker_enable_remote_control": False,
    }


def _full() -> dict[str, object]:
    """Settings for Redis; a message not confirmed within the hour is handed out again."""
    return {
        "broker_url": settings.REDIS_URL,
        "broker_transport_options": {
            "visibility_timeout": 3600,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        "broker_connection_retry_on_startup": True,
    }


app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue="jobs",
    task_routes={"runs.tasks.run_slice": {"queue": "runs"}},
    beat_schedule={
        "sweep": {"task": "runs.tasks.sweep", "schedule": 15.0, "options": {"queue": "jobs", "expires": 15}},
        "tend": {"task": "dialogues.tasks.tend", "schedule": 15.0, "options": {"queue": "jobs", "expires": 15}},
    },
    beat_schedule_filename=str(settings.VAR_DIR / "beat-schedule"),
    **(_full() if settings.REDIS_URL else _embedded()),
)
app.autodiscover_tasks()
