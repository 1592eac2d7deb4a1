"""Kombu's broker of folders, for readers that look while a message is being written.

Kombu gives a message its name before its content: a worker that looked in between took an empty file for a message, and
ended. Here it gets the name that readers look for when it is whole.
"""

from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

SCHEME = "folder"


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


class Transport(filesystem.Transport):
    Channel = Channel


TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
