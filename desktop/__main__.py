"""Start of the program: arguments, then the window or one command."""

import sys
from collections.abc import Sequence

from desktop.cli import arguments as grammar
from desktop.settings import speak_no_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; gives its exit status."""
    _forbid_core_files()
    if arguments is None:  # the process is ours
        speak_no_names(sys.stderr)
    parsed = grammar.parse(sys.argv[1:] if arguments is None else arguments)
    if parsed.command is not None:
        from desktop.cli.main import run

        return run(parsed)
    from desktop import app

    if parsed.tour is not None:
        return app.run_tour(parsed.tour)
    if parsed.screenshots is not None:
        return app.run_screenshots(parsed.screenshots)
    return app.run_window()


def _forbid_core_files() -> None:
    """A crash must not write the keys and the patient on the screen to the disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())
