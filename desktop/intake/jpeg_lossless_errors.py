"""Why a JPEG Lossless codestream is not read."""


class CorruptStream(ValueError):
    """The codestream contradicts itself."""


class CutStream(CorruptStream):
    """The codestream ends too early."""


class UnsupportedStream(ValueError):
    """The codestream is well formed, as far as it was read, but of a kind this decoder leaves out."""
