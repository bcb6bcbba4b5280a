"""The manifest of a model that reads one row of a table: what was measured or asked of one person."""

from dataclasses import dataclass

from desktop.inference.calibration import Calibration
from desktop.inference.fields import Fields, ManifestError
from desktop.inference.manifest import Manifest, Words, common_members, slug, tensor, words
from desktop.records import Sex

MOST_COLUMNS = 500
MOST_CHOICES = 100
LARGEST = 1e38


@dataclass(frozen=True)
class Choice:
    """One of the answers a column knows. value: as tables write it."""

    value: str
    names: Words


@dataclass(frozen=True)
class Column:
    """One column. key: as tables write it. unit: UCUM, empty where there is none.

    low, high: least and greatest value the model has learned from; of a column of choices, those are empty and
    `choices` has them. weight: the spread of what the column adds, as a share of the whole, 0 to 1.
    """

    key: str
    names: Words
    unit: str
    low: float
    high: float
    choices: tuple[Choice, ...]
    weight: float


@dataclass(frozen=True)
class TableGolden:
    """A made-up row, as the graph takes it (NaN: absent), and what the graph answered to it when it was made."""

    values: tuple[float, ...]
    logit: float
    contributions: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True)
class TableManifest(Manifest):
    """Everything about one model of rows, valid once built.

    baseline: log-odds of the average person learned from. missing_limit: with columns of more weight than this absent,
    the model names them instead of deciding. sexes: of whom it has learned, empty where of both.
    """

    columns: tuple[Column, ...]
    baseline: float
    missing_limit: float
    sexes: tuple[Sex, ...]
    golden: TableGolden


def read_table_manifest(fields: Fields) -> TableManifest:
    """The manifest in a document. Raises ManifestError, naming the place, for whatever does not hold."""
    columns = tuple(_column(item) for item in fields.objects("columns"))
    if not 1 <= len(columns) <= MOST_COLUMNS or len({column.key for column in columns}) != len(columns):
        raise ManifestError("columns", f"1 to {MOST_COLUMNS} columns with a key of their own were expected")
    manifest = TableManifest(
        **common_members(fields),
        columns=columns,
        baseline=fields.number("baseline", low=-100, high=100),
        missing_limit=fields.inner("applicability").number("missing_limit", low=0.0, high=1.0),
        sexes=_sexes(fields.inner("applicability")),
        golden=_golden(fields.inner("golden"), columns),
    )
    if len(manifest.findings) != 1:
        raise ManifestError("findings", "a model of rows speaks of one finding")
    if manifest.findings[0].calibration != Calibration():
        raise ManifestError("findings[0].calibration", "what the columns add must be the whole answer")
    golden = manifest.golden
    if abs(manifest.baseline + sum(golden.contributions) - golden.logit) > golden.tolerance:
        raise ManifestError("baseline", "the parts of the golden row do not add up")
    tensors = fields.inner("network_data_format")
    _check_shape(tensors.inner("inputs").inner("values"), len(columns))
    _check_shape(tensors.inner("outputs").inner("contributions"), len(columns))
    _check_shape(tensors.inner("outputs").inner("logits"), 1)
    return manifest


def _check_shape(fields: Fields, wanted: int) -> None:
    if tensor(fields, "").shape != (wanted,):
        raise ManifestError(fields.place("shape"), "the shape does not match the columns")


def _sexes(fields: Fields) -> tuple[Sex, ...]:
    known = {Sex.FEMALE.value: Sex.FEMALE, Sex.MALE.value: Sex.MALE}
    if not fields.has("sexes"):
        return ()
    texts = fields.texts("sexes")
    if not texts or not set(texts) <= known.keys():
        raise ManifestError(fields.place("sexes"), "female or male was expected")
    return tuple(known[text] for text in texts)


def _column(fields: Fields) -> Column:
    low = high = 0.0
    choices: tuple[Choice, ...] = ()
    if fields.has("choices"):
        choices = tuple(Choice(item.text("value"), words(item, "name")) for item in fields.objects("choices"))
        if not 1 <= len(choices) <= MOST_CHOICES or len({choice.value for choice in choices}) != len(choices):
            raise ManifestError(fields.place("choices"), "different values were expected")
    else:
        low = fields.number("low")
        high = fields.number("high", low=low)
    return Column(
        key=_key(fields),
        names=words(fields, "name"),
        unit=fields.text("unit", ""),
        low=low,
        high=high,
        choices=choices,
        weight=fields.number("weight", low=0.0, high=1.0),
    )


def _key(fields: Fields) -> str:
    """As the published table writes it, capitals too."""
    key = fields.text("key")
    slug(Fields({"key": key.lower()}, fields.where), "key")
    return key


def _golden(fields: Fields, columns: tuple[Column, ...]) -> TableGolden:
    values = []
    for where, item in fields.items("values"):
        if item is None:
            values.append(float("nan"))
        else:
            values.append(Fields({"value": item}, where).number("value", low=-LARGEST, high=LARGEST))
    contributions = fields.numbers("contributions")
    if len(values) != len(columns) or len(contributions) != len(columns):
        raise ManifestError(fields.place("values"), "one value and one contribution for each column were expected")
    return TableGolden(
        values=tuple(values),
        logit=fields.number("logit"),
        contributions=contributions,
        tolerance=fields.number("tolerance", low=0.0, high=0.01),
    )
