"""A clip's bytes as OpenCV may ask for them: no error ever leaves a call it makes, for that would end the program.

OpenCV calls back into Python for what it reads, and takes the answer without looking whether there is one.
"""

import io
from typing import BinaryIO


class ClipStream(io.BufferedIOBase):
    """A file in which reading that fails gives no bytes, and a place that is not there is no place.

    failure: what went wrong first, of the disk or of the file's seal; None where only the clip asked for nonsense.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """It is read."""
        return True

    def seekable(self) -> bool:
        """From anywhere."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; none where they cannot be had."""
        try:
            return self._stream.read(-1 if size is None else size)
        except Exception as error:
            self.failure = self.failure or error
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """The new place; -1 for one before the beginning."""
        try:
            return self._stream.seek(offset, whence)
        except (ValueError, OverflowError):
            return -1
        except Exception as error:
            self.failure = self.failure or error
            return -1

    def tell(self) -> int:
        """Where the next byte is read; -1 where that cannot be told."""
        return self.seek(0, io.SEEK_CUR)

    def close(self) -> None:
        """Close the file itself."""
        self._stream.close()
        super().close()

    def raise_failure(self) -> None:
        """Raises what went wrong while OpenCV was reading, if anything did."""
        if self.failure is not None:
            raise self.failure
