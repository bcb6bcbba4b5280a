"""The command line's grammar."""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NoReturn

from desktop import __version__
from desktop.cli import (
    auditing,
    backups,
    dicom,
    drawings,
    inspecting,
    measuring,
    patients,
    people,
    site_fitting,
    teaching,
    validating,
)

_FLAGS_ANYWHERE = ("--json", "--batch")


class _Parser(argparse.ArgumentParser):
    """Usage errors go to standard error without echoing what was typed: it may be a name."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {_without_values(message)}\n")


def _without_values(message: str) -> str:
    """argparse's message up to the value it quotes."""
    for marker in ("unrecognized arguments", "invalid choice", "invalid "):
        if marker in message:
            return message[: message.index(marker) + len(marker)].strip()
    return message


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command and its options. Exits with 2 where they make no command."""
    flags = dict.fromkeys(_FLAGS_ANYWHERE, False)
    rest: list[str] = []
    for position, word in enumerate(arguments):
        if word == "--":
            rest.extend(arguments[position:])
            break
        if word in flags:
            flags[word] = True
        else:
            rest.append(word)
    parsed = _parser().parse_args(rest)
    parsed.json = flags["--json"]
    parsed.batch = flags["--batch"]
    _check(parsed)
    return parsed


def _check(parsed: argparse.Namespace) -> None:
    """What argparse cannot say: a batch instead of a list, one of two sources."""
    parser = _parser()
    command = (parsed.command, getattr(parsed, "verb", None))
    batched = {("analyse", None), ("inspect", None), ("measure", None), ("patients", "add")}
    batched |= {("patients", "search"), ("verify", None)}
    if parsed.batch and command not in batched:
        parser.error("--batch does not go with this command")
    if parsed.command in ("analyse", "inspect") and parsed.batch == bool(parsed.files):
        parser.error(f"{parsed.command} takes files, or --batch")
    if parsed.command == "patients" and (wrong := patients.misuse(parsed)):
        parser.error(wrong)
    if parsed.command == "measure" and (wrong := measuring.misuse(parsed)):
        parser.error(wrong)
    if parsed.command == "dicom" and (wrong := dicom.misuse(parsed)):
        parser.error(wrong)


@cache
def _parser() -> argparse.ArgumentParser:
    """The whole grammar, built once: that takes some 16 ms, and a command asks for it twice."""
    parser = _Parser(
        prog="lantern",
        description="Lantern, an offline clinic workstation. Without a command it opens its window.",
        epilog="--json and --batch may stand anywhere after the command.",
    )
    parser.add_argument("--version", action="version", version=f"lantern {__version__}")
    parser.add_argument("--store", type=Path, metavar="DIR", help="the clinic's folder")
    parser.add_argument("--user", metavar="NAME", help="who unlocks it")
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="first line is the passphrase; else it is asked for",
    )
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="language of the sentences")
    parser.add_argument("--tour", type=Path, metavar="OUT", help="do the main job off-screen on the demo clinic")
    parser.add_argument("--screenshots", type=Path, metavar="OUT", help="draw every screen into a folder")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_model_commands(commands)
    inspecting.add_command(commands)
    measuring.add_command(commands)
    _add_clinic_commands(commands)
    _add_reading_commands(commands)
    drawings.add_commands(commands)
    patients.add_commands(commands)
    people.add_commands(commands)
    auditing.add_commands(commands)
    backups.add_commands(commands)
    dicom.add_commands(commands)
    return parser


def _add_model_commands(commands: "argparse._SubParsersAction[_Parser]") -> None:
    analyse = commands.add_parser("analyse", help="ask the models about files; nothing is stored")
    analyse.add_argument("files", nargs="*", metavar="FILE")
    analyse.add_argument("--model", metavar="NAME")
    analyse.add_argument("--age-years", type=_age, metavar="A")
    analyse.add_argument("--sex", choices=("male", "female"))
    analyse.add_argument("--masks", type=Path, metavar="DIR", help="where masks are written, for models that draw")
    commands.add_parser("selftest", help="check the libraries and every model's golden example")
    models = commands.add_parser("models", help="the models on this PC").add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    models.add_parser("list", help="names, versions, weights")
    models.add_parser("verify", help="run every golden example")
    train = models.add_parser("train", help="train a model from its recipe")
    evaluate = models.add_parser("evaluate", help="make the card's figures again")
    for verb in (train, evaluate):
        verb.add_argument("name")
        verb.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder that holds cxr/, ecg/ …")
    train.add_argument("--out", type=Path, metavar="DIR", help="where the model's folder is written")
    train.add_argument("--fresh", action="store_true", help="do not go on from an interrupted run")
    train.add_argument("--search", action="store_true", help="choose the settings too, by parts of those learned from")
    evaluate.add_argument("--folder", type=Path, metavar="DIR", help="the model's folder, if not the bundled one")
    evaluate.add_argument("--study", action="store_true", help="first train the card's comparators; needs PyTorch")
    bring = models.add_parser("import", help="bring a model in from a folder; it is not used before `activate`")
    bring.add_argument("folder", type=Path, metavar="FOLDER", help="the folder with manifest.json in it")
    bring.add_argument("--trust", action="store_true", help="an administrator answers for a model nobody known signed")
    bring.add_argument(
        "--trust-publisher", action="store_true", help="as --trust, and take what its publisher signs from now on"
    )
    activate = models.add_parser("activate", help="use a version that was brought or trained here; `bundled` goes too")
    activate.add_argument("name")
    activate.add_argument("--version", metavar="V", help="version or digest, if not the newest; or `bundled`")
    models.add_parser("rollback", help="use the version again that was in use before").add_argument("name")
    site_fitting.add_verbs(models)
    teaching.add_model_verb(models)


def _add_clinic_commands(commands: "argparse._SubParsersAction[_Parser]") -> None:
    clinic = commands.add_parser("clinic", help="create a clinic").add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    create = clinic.add_parser("create", help="create a clinic in --store")
    create.add_argument("--name", required=True)
    create.add_argument("--admin", required=True, metavar="USER")
    create.add_argument("--passphrase-file", type=Path, metavar="F", default=argparse.SUPPRESS)
    create.add_argument("--recovery-out", type=Path, required=True, metavar="F")
    people.add_clinic_verbs(clinic)


def _add_reading_commands(commands: "argparse._SubParsersAction[_Parser]") -> None:
    bring = commands.add_parser("import", help="keep files as studies of a patient")
    bring.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    bring.add_argument("--patient", required=True, metavar="ID")
    bring.add_argument("--accept-mismatch", metavar="REASON")
    impressions = commands.add_parser("impressions", help="the doctor's own reading").add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    add = impressions.add_parser("add")
    add.add_argument("--study", required=True, metavar="ID")
    add.add_argument("--text-file", type=Path, required=True, metavar="F")
    suggestions = commands.add_parser("suggestions", help="what the models said").add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    listing = suggestions.add_parser("list")
    listing.add_argument("--study", required=True, metavar="ID")
    review = suggestions.add_parser("review")
    review.add_argument("id", metavar="ID")
    review.add_argument("--finding", required=True, metavar="KEY")
    review.add_argument("--verdict", required=True, choices=("accept", "amend", "reject"))
    review.add_argument("--value", choices=("likely", "unlikely", "cannot_say"))
    review.add_argument("--reason", default="", metavar="T")
    rates = suggestions.add_parser("rates", help="how often a model answered how, and which groups stand out")
    rates.add_argument("--model", required=True, metavar="NAME")
    rates.add_argument("--by", choices=("month", "version", "sex", "age", "examination", "device"), default="month")
    validating.add_verb(suggestions)
    teaching.add_suggestion_verbs(suggestions)
    report = commands.add_parser("report", help="sign and export").add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    sign = report.add_parser("sign")
    sign.add_argument("--study", required=True, metavar="ID")
    sign.add_argument("--impression-file", type=Path, metavar="F")
    export = report.add_parser("export")
    export.add_argument("id", metavar="ID")
    export.add_argument("--format", required=True, choices=("pdf", "fhir"))
    export.add_argument("--language", dest="report_language", choices=("en", "zh", "both"))
    export.add_argument("--out", type=Path, required=True, metavar="F")


def _age(text: str) -> float:
    years = float(text)
    if not 0 <= years <= 150:
        raise ValueError("an age lies between 0 and 150 years")
    return years
