"""Hand long work of a page to the worker for jobs; the tasks themselves are in `tasks`."""

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

PLAN, PRICE, COMPACT = "runs.tasks.plan", "runs.tasks.price", "runs.tasks.compact"


class NobodyThere(RuntimeError):
    """The message could not be sent: no worker will hear of it."""


def hand_over(task: str, *arguments: int) -> None:
    """Send the message once everything it names is committed."""

    def send() -> None:
        try:
            current_app.send_task(task, args=arguments)
        except OperationalError as error:
            raise NobodyThere(f"the broker does not answer ({error}); start it, then press again") from error

    transaction.on_commit(send)
