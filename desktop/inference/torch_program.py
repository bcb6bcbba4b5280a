"""A torch.export program (.pt2) as it may be run: numbers and a list of operations, nothing that Python would execute.

PyTorch's archive of an exported program (torch/export/pt2_archive: a zip of stored members) may carry the sample
inputs it was exported with and any constant as a pickle, and compiled code. The sample inputs are taken out, the rest
is refused: reading a pickle runs whatever it says.
"""

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator

from desktop.errors import ErrorKind, KnownFailure

SUFFIX = ".pt2"

_PLAIN = re.compile(
    r"[^/]+/(archive_format|archive_version|byteorder|\.data/(version|serialization_id|alignment)"
    r"|models/model\.json|data/(weights|constants)/([\w.-]+))"
)
_SAMPLES = re.compile(r"[^/]+/data/sample_inputs/[\w.-]+")
_TABLE = re.compile(r"[^/]+/data/(weights|constants)/[\w.-]+_config\.json")
_MODEL = re.compile(r"[^/]+/models/model\.json")
# Sizes that may vary are written as SymPy writes expressions, and PyTorch gives them to a parser that would run any
# Python. These are the names and the syntax they are made of.
_NAMES = frozenset(
    {"Symbol", "Integer", "Rational", "Float", "Add", "Mul", "Pow", "Mod", "FloorDiv", "CeilDiv", "PythonMod", "Max"}
    | {"Min", "Abs", "Eq", "Equality", "Ne", "Unequality", "Le", "LessThan", "Lt", "StrictLessThan", "Ge"}
    | {"GreaterThan", "Gt", "StrictGreaterThan", "And", "Or", "Not", "true", "false"}
)
_SYNTAX = (ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Load, ast.Constant, ast.UnaryOp, ast.USub)
_SYMBOL = re.compile(r"[a-z]\w{0,30}")
_MOST = 10_000


def checked_program(data: bytes) -> bytes:
    """The same program without sample inputs. Raises KnownFailure `inference.weights_unusable` for what is none, and
    `inference.program_unsafe` for one with a pickle, compiled code or anything else that is not numbers and names."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(member.filename, archive.read(member)) for member in _members(archive)]
            # PyTorch looks for them, and takes an empty member for a program that has none.
            members += [(one, b"") for one in archive.namelist() if _SAMPLES.fullmatch(one)]
        for name, content in members:
            if _TABLE.fullmatch(name):
                _check_table(json.loads(content))
            elif _MODEL.fullmatch(name):
                _check_model(json.loads(content))
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, RecursionError, EOFError) as error:
        raise KnownFailure("inference.weights_unusable", kind=ErrorKind.IO) from error
    if not any(_MODEL.fullmatch(name) for name, _ in members):
        raise KnownFailure("inference.weights_unusable", kind=ErrorKind.IO)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def _members(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """All but the sample inputs."""
    found = archive.infolist()
    if len(found) > _MOST or len({member.filename for member in found}) != len(found):
        raise ValueError("too many members, or one of them twice")
    for member in found:
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError("PyTorch stores, it does not compress")
        if _SAMPLES.fullmatch(member.filename):
            continue
        if not _PLAIN.fullmatch(member.filename):
            raise KnownFailure("inference.program_unsafe", kind=ErrorKind.BAD_INPUT)
        yield member


def _check_table(table: dict[str, dict[str, dict[str, object]]]) -> None:
    for entry in table["config"].values():
        if entry["use_pickle"] is not False:
            raise KnownFailure("inference.program_unsafe", kind=ErrorKind.BAD_INPUT)


def _check_model(model: object) -> None:
    for text in _expressions(model):
        if not isinstance(text, str) or not _is_arithmetic(text):
            raise KnownFailure("inference.program_unsafe", kind=ErrorKind.BAD_INPUT)


def _is_arithmetic(text: str) -> bool:
    """Whether an expression says nothing but numbers, symbols and what is reckoned with them."""
    try:
        parsed = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    for node in ast.walk(parsed):
        if not isinstance(node, _SYNTAX):
            return False
        if isinstance(node, ast.Name) and not (node.id in _NAMES or _SYMBOL.fullmatch(node.id)):
            return False
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in _NAMES):
            return False
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not _SYMBOL.fullmatch(node.value):
            return False
    return True


def _expressions(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "expr_str":
                yield inner
            else:
                yield from _expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)
