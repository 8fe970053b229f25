"""The command line: one file a command. What a command needs is imported inside it, so that help comes at once."""

import sys

from cyclopts import App, CycloptsError

from kdprobe.core.errors import ContractError, DataError, PlanError

COMMANDS = {
    "sweep": "Train and measure a zoo of distilled models, and write its report.",
    "report": "Write the report of a zoo that is there.",
    "zoo": "List, show and verify the models of a zoo.",
    "data": "List the data of the tasks, and fetch what is not here.",
    "ls": "List the tasks, families, distillers, schemes, probes or report sections there are.",
}


def build() -> App:
    """Return the command line's parser."""
    from kdprobe import __version__

    app = App(
        name="kdprobe",
        help="Measures what a student network really learned from its teacher.",
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
    )
    for name, text in COMMANDS.items():
        app.command(f"kdprobe.cli.{name}:{name}", name=name, help=text)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done with failed cells, 2 wrong usage, 3 data refused, 130 interrupted."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = build()(arguments, exit_on_error=False, print_error=False)
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        return _fail(_usage(error), 2)
    except (PlanError, ContractError) as error:
        return _fail(str(error), 2)
    except DataError as error:
        return _fail(str(error), 3)
    except KeyboardInterrupt:
        return _fail("interrupted: what is finished is kept, run the same command again to go on", 130)
    except BrokenPipeError:
        # the reader of a pipe (head, a pager) has seen enough; Python would complain at exit about what it cannot flush
        sys.stdout = None
        return 0


def _usage(error: CycloptsError) -> str:
    # a plan's own refusal of a value says more than the parser's wrapping of it
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PlanError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return f"{error}".strip() + " See --help."


def _fail(text: str, code: int) -> int:
    print(f"kdprobe: {text}", file=sys.stderr)
    return code
