"""How model cards write figures, sizes and codes, so that every card reads alike."""

from collections.abc import Mapping, Sequence
from typing import Any


def share(value: Any, digits: int = 1, *, to: str = "–") -> str:
    """A share with its interval in per cent, a dash where there is none. value: as `statistics.interval` gives it."""
    if value is None:
        return "–"
    within = "" if value["low"] is None else f" ({100 * value['low']:.{digits}f}{to}{100 * value['high']:.{digits}f})"
    return f"{100 * value['value']:.{digits}f} %{within}"


def figure(value: Any, digits: int = 3, *, to: str = "–") -> str:
    """A figure with its interval, a dash where there is none. value: as `statistics.interval` gives it."""
    if value is None:
        return "–"
    within = "" if value["low"] is None else f" ({value['low']:.{digits}f}{to}{value['high']:.{digits}f})"
    return f"{value['value']:.{digits}f}{within}"


def size(count: int) -> str:
    """A file's size."""
    return f"{count / 1e6:.1f} MB"


def codes(finding: Mapping[str, Any]) -> str:
    """The codes of a manifest's finding: system and code, without the system's address."""
    return ", ".join(f"{item['system'].rpartition('/')[2]} {item['code']}" for item in finding["codings"])


def credits_text(data: Sequence[Mapping[str, str]]) -> str:
    """One line for each data set: name, licence, whom to credit."""
    return "\n".join(f"- {item['name']}. {item['licence']}. {item['credit']}" for item in data)


def reliability_rows(figures: Sequence[Mapping[str, Any]]) -> str:
    """The rows of a table of probabilities said against what was seen."""
    return "\n".join(
        f"| {one['low']:.1f}–{one['high']:.1f} | {one['n']} | {one['said']:.3f} | {one['seen']:.3f} |"
        for one in figures
    )


def software_text(training: Mapping[str, Any]) -> str:
    """Versions a training depended on."""
    return ", ".join(f"{name} {version}" for name, version in training["software"].items())
