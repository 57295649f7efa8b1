"""A file that is read from its beginning to its end, as many bytes at a time as are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.findings import unlike


class Tape:
    """Reads one file of an archive in bounded memory."""

    def __init__(self, archive: Archive, name: str) -> None:
        self._name, self._chunks, self._rest = name, archive.chunks(name), memoryview(b"")

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Give the next *size* bytes piece by piece.

        Raises:
            ArchiveTorn: The file has not so many, or cannot be read.
        """
        while size:
            if not self._rest and not self._more():
                raise ArchiveTorn(unlike(self._name, "", f"{size} bytes more", "the end"))
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            yield piece

    def take(self, size: int) -> bytes:
        """Give the next *size* bytes at once.

        Raises:
            ArchiveTorn: The file has not so many, or cannot be read.
        """
        return b"".join(self.pieces(size))

    def ended(self) -> bool:
        """Say whether nothing is left.

        Raises:
            ArchiveTorn: The file cannot be read.
        """
        return not self._rest and not self._more()

    def _more(self) -> bool:
        self._rest = memoryview(next(self._chunks, b""))
        return bool(self._rest)
