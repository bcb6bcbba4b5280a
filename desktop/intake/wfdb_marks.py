"""Annotation files of WFDB records (PhysioNet, annot(5), MIT format): beats and rhythms on the time axis."""

from desktop.records import TraceMark

_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_MOST = 2_000_000
_LABELS = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/", 13: "Q",
    14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=", 24: "p", 25: "B", 26: "^", 27: "t",
    28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(",
    40: ")", 41: "r",
}  # fmt: skip  # a table reads better with several to a line
_RHYTHM = 28

BEATS = frozenset("NLRaVFJASEj/Qen?rBf")
"""Labels of WFDB that mark a heart beat (annot(5), `isqrs`)."""


def read_marks(data: bytes, length: int) -> tuple[TraceMark, ...]:
    """The marks in an annotation file within a trace of `length` samples; a file cut short gives those before the cut.

    A change of rhythm bears the file's own word, such as `(AFIB`.
    """
    marks: list[TraceMark] = []
    at, position = 0, 0
    while position + 2 <= len(data) and len(marks) < _MOST:
        word = data[position] | data[position + 1] << 8
        position += 2
        code, step = word >> 10, word & 0x3FF
        if code == 0 and step == 0:
            break
        if code == _SKIP:
            high, low = data[position : position + 2], data[position + 2 : position + 4]
            at += int.from_bytes(low + high, "little", signed=True)
            position += 4
        elif code == _AUX:
            words = data[position : position + step].rstrip(b"\0").decode("utf-8", "replace").strip()
            position += step + (step & 1)
            if words and marks and marks[-1].label == _LABELS[_RHYTHM]:
                marks[-1] = TraceMark(marks[-1].sample, words[:64], marks[-1].lead)
        elif code not in (_NUM, _SUB, _CHN):
            at += step
            if code in _LABELS and 0 <= at < length:
                marks.append(TraceMark(at, _LABELS[code]))
    return tuple(marks)
