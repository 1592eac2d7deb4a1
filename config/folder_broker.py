"""Kombu's broker of folders, for readers that look while a message is being written.

Kombu gives a message its name before its content: a worker that looked in between took an empty file for a message,
and ended. Here it gets the name that readers look for when it is whole. The table of an exchange is written in place
too, at a first start: whoever finds it empty waits for whoever writes it.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

Answer = TypeVar("Answer")

SCHEME = "folder"
PATIENCE_S, LOOK_EVERY_S = 2.0, 0.01


class Channel(filesystem.Channel):
    def _put(self, queue: Any, message: Any, **options: Any) -> None:  # type: ignore[override]  # its parents disagree
        """The names are kombu's, which tell the order."""
        whole = Path(self.data_folder_out) / f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        begun = whole.with_name(f"{whole.name}.begun")
        try:
            begun.write_text(dumps(message))  # type: ignore[no-untyped-call]
            begun.rename(whole)
        except OSError as error:
            raise ChannelError(f"Cannot add file {str(whole)!r} to directory") from error

    def get_table(self, exchange: Any) -> Any:
        look: Callable[..., Any] = super().get_table
        return _once_written(lambda: look(exchange))

    def _queue_bind(self, exchange: Any, routing_key: Any, pattern: Any, queue: Any) -> Any:
        bind: Callable[..., Any] = super()._queue_bind
        return _once_written(lambda: bind(exchange, routing_key, pattern, queue))


def _once_written(look: Callable[[], Answer]) -> Answer:
    ends = monotonic() + PATIENCE_S
    while True:
        try:
            return look()
        except ValueError:  # no JSON yet
            if monotonic() > ends:
                raise
            sleep(LOOK_EVERY_S)


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
