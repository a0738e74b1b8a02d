"""The command line: the only place that prints. Every command calls one function of the API."""

import sys
from typing import Any

import typer

from xstilts.cli import laboratory, recipes, recommend, tasks, text
from xstilts.cli.words import app, say
from xstilts.core.errors import CorruptResultError, StepFailedError, UserError

__all__ = ["app", "laboratory", "main", "recipes", "recommend", "tasks", "text"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; user errors end with 2, failed steps with 1, Ctrl-C with 130."""
    try:
        code: Any = app(arguments, standalone_mode=False)
        if code == 130:  # Typer makes Ctrl-C into a code, or, in older versions, into an Abort
            raise KeyboardInterrupt
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except CorruptResultError as error:
        damaged = UserError(
            f"A stored result is damaged: {error}",
            where="the store (--store, XSTILTS_HOME)",
            expected="files as their record describes them",
            do="build it anew: xstilts run RECIPE",
        )
        print(damaged, file=sys.stderr)
        sys.exit(2)
    except StepFailedError as error:
        print(f"Some steps failed:\n{error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted; a next run goes on from the last checkpoint", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        _say_misuse(error)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


def _say_misuse(error: Any) -> None:
    """A slip of the command line in four parts, or the help where nothing was asked for."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    context = getattr(error, "ctx", None)  # some errors of the parser have none
    command = context.command_path if context else "xstilts COMMAND"
    usage = context.get_usage().removeprefix("Usage: ") if context else f"{command} [OPTIONS]"
    do = f"{command} --help"
    say(str(UserError(error.format_message(), where=command, expected=usage, do=do)))
