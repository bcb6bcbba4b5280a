"""How much of a stranger's file this program is willing to hold. Checked before memory is asked for."""

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Largest file that is held in memory whole."""

MAX_INFLATED_BYTES = 256 * 1024 * 1024
"""The most a deflated data set may unfold to; its largest element is in memory a second time."""

MAX_SAMPLES = 100_000_000
"""Most numbers (rows x columns x samples) of one picture. The largest flat panels make about 20 million."""

MAX_PARSER_READS = 2_000_000
"""Most single reads the DICOM parser may do in one file: an honest film needs some hundreds, and a file made of
millions of empty elements would hold this program for minutes."""

MAX_TABLE_BYTES = 4 * 1024 * 1024
"""Largest nested element (look-up table sequence) that is opened; an honest one has at most 128 KiB."""

MAX_JPEG_SCANS = 200
"""Most scans of a JPEG. A progressive picture has about ten; thousands only serve to keep a reader busy."""

LARGE_FRAME, MOST_VALUES_PER_BYTE = 16_000_000, 2_000
"""A compressed picture of more values than the first is read only where each of its bytes stands for fewer than the
second. Blank films pack ten thousand values into a byte, but not of that size; a bomb of some hundred bytes would make
a decoder reserve a gigabyte."""

MAX_VOLUME_BYTES = 4 * 1024 * 1024 * 1024
"""Most bytes of voxels in a volume file; slices are read one at a time, so this bounds patience, not memory."""
