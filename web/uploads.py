"""Take a file from a browser straight to disk, chunk by chunk and below a limit; a view sets this handler itself."""

import errno
import hashlib
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

PART = ".part"


def in_words(size: int) -> str:
    """12 bytes, 340 kB, 5.2 MB, 2 GB."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} bytes"


class FileOnDisk(UploadedFile):
    """What came in, under a name of our own; gone with the request unless it is kept."""

    def __init__(self, path: Path, name: str, size: int, sha256: str) -> None:
        super().__init__(file=None, name=name, size=size)
        self.path, self.sha256 = path, sha256

    def keep_as(self, path: Path) -> None:
        """Give the file a lasting place on the same disk."""
        self.path.rename(path)

    def close(self) -> None:
        """Nothing is open: the handler has closed it."""


class ToDisk(FileUploadHandler):
    """Writes the one file of a request into a folder. `refusal` says why it did not; the rest is then read past."""

    def __init__(self, folder: Path, limit: int) -> None:
        super().__init__()
        self.folder, self.limit, self.refusal = folder, limit, ""
        self._file: BinaryIO | None = None
        self._path: Path | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin with a file; a second one of the same request is passed over."""
        super().new_file(*args, **kwargs)
        if self._path is not None:
            raise SkipFile
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / f"{uuid4().hex}{PART}"
        self._file = self._path.open("xb")
        self._hash = hashlib.sha256()
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write a chunk; the announced length is not believed, only what came is counted."""
        self._size += len(raw_data)
        if self._size > self.limit:
            self._refuse(f"larger than {in_words(self.limit)}, which is the limit for a file from the browser")
        self._write(raw_data)

    def file_complete(self, file_size: int) -> FileOnDisk | None:
        """The whole file, closed."""
        if self._file is None or self._path is None:
            return None
        self._file.close()
        return FileOnDisk(self._path, self.file_name or "", self._size, self._hash.hexdigest())

    def drop(self) -> None:
        """Close and remove what nobody has kept; whoever sets the handler calls it at the end."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise SkipFile
        try:
            self._file.write(data)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            self._refuse("too large for the disk of this server, which is full; tell an administrator")
        self._hash.update(data)

    def _refuse(self, why: str) -> None:
        self.refusal = why
        self.drop()
        raise SkipFile
