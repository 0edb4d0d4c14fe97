"""`python -m kd_study COMMAND`: a thin table of commands; each imports its own room when it is called."""

import sys

import typer

from kd_solutions.errors import StudyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line; whatever a person can mend ends as one sentence and exit code 2."""
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
