"""The command line: one file a command. What a command needs is imported inside it, so that help comes at once."""

import os
import sys
import tomllib
from collections.abc import Collection
from contextvars import copy_context

from cyclopts import App, CycloptsError
from cyclopts.config import Toml

from kdprobe.core.errors import ContractError, DataError, PlanError, did_you_mean
from kdprobe.core.words import visible

COMMANDS = {
    "sweep": "Train and measure a zoo of distilled models, and write its report.",
    "probe": "Compare the outputs of a student with those of its teacher.",
    "advise": "Say whether distillation would help on your regression data.",
    "gap": "Read a table of runs trained elsewhere: which teacher size serves a student best?",
    "report": "Write the report of a zoo that is there.",
    "zoo": "List, show and verify the models of a zoo.",
    "data": "List the data of the tasks, and fetch what is not here.",
    "gates": "Put a transfer metric through the gates that it must pass before the word is used.",
    "answers": "Open the survey's questions, each with its answer and what makes it again.",
    "tables": "Print a table that pages cite, such as how often their verdicts are wrong.",
    "ls": "List the tasks, families, distillers, schemes, probes or report sections there are.",
}

LARGEST_CONFIG = 1_000_000
"""Bytes of a file of settings."""
DEFAULT_QUESTION = "gap"
"""Whose settings are told and read where a sweep is asked nothing."""


def build(config: str | None = None, *, asked: str = "", command: str = "") -> App:
    """Return the command line's parser.

    Parameters
    ----------
    config
        TOML file of settings that the command line may override.
    asked
        What a sweep asks, where that is not the teacher's size: its plan has other settings.
    command
        The command that will run: its help is told whole, that of the others in one line, which imports nothing.
    """
    from kdprobe import __version__

    settings = None if config is None else Toml(config, use_commands_as_keys=False)
    app = App(
        name="kdprobe",
        help="Measures what a student network really learned from its teacher.",
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,  # it is told in our words
        config=settings,
    )
    for name, text in COMMANDS.items():
        short = {} if name == command else {"help": text}
        app.command(f"kdprobe.cli.{name}:{(asked or DEFAULT_QUESTION) if name == 'sweep' else name}", name=name, **short)
    app.command(
        "kdprobe.cli.completion:install", name="--install-completion", help="Let bash, zsh, fish or powershell complete what is typed."
    )
    return app


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code.

    0 done, 1 done with failed cells, 2 wrong usage, 3 data refused, 4 a requirement is not shown or a gate not passed, 130 interrupted,
    143 terminated.
    """
    try:
        return copy_context().run(_run, arguments)
    except CycloptsError as error:
        return _fail(_usage(error), 2)
    except (PlanError, ContractError) as error:
        return _fail(str(error), 2)
    except DataError as error:
        return _fail(str(error), 3)
    except KeyboardInterrupt as interrupt:
        # SIGTERM comes as an interrupt with a name of its own
        word, code = ("interrupted", 130) if type(interrupt) is KeyboardInterrupt else ("terminated", 143)
        return _fail(f"{word}: what is finished is kept, run the same command again to go on", code)
    except BrokenPipeError:
        # the reader of a pipe (head, a pager) has seen enough; Python would complain at exit about what it cannot flush
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        what = f" {error.filename}" if error.filename else ": standard output, or a file that was being written"
        return _fail(f"{error.strerror or error}{what}", 3)


def _run(arguments: list[str]) -> int:
    config = _config_of(arguments)
    app = build(config, asked=_asked_in(arguments), command=arguments[0] if arguments else "")
    if config is not None:
        _check_config(config, _settings(app), _questions())
    if arguments[:1] == ["sweep"] and any(word.partition("=")[0] == "--data" for word in arguments):
        from kdprobe.sweep.plan import UNCHECKED

        # which families and distillers fit is known when the files were read
        UNCHECKED.set(True)
    code = app(arguments, exit_on_error=False, print_error=False)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _drop_output(stream: int = 1) -> None:
    """Python would complain at exit about what it cannot flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _config_of(arguments: list[str]) -> str | None:
    """Return the value of --config: what it holds must be known before the other settings are read."""
    for place, argument in enumerate(arguments):
        if argument == "--config" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--config="):
            return argument.partition("=")[2]
    return None


def _asked_in(arguments: list[str]) -> str:
    """The first question that a sweep is asked; each has settings of its own. "" where there is none."""
    if arguments[:1] != ["sweep"]:
        return ""
    found = [name for name in _questions() if f"--{name}" in arguments]
    if len(found) > 1:
        raise PlanError(f"sweep asks one question at a time: give one of {', '.join(f'--{name}' for name in found)}")
    return found[0] if found else ""


def _questions() -> tuple[str, ...]:
    from kdprobe.sweep.plans import asked

    return asked()


def _settings(app: App) -> set[str]:
    """Names that a file of settings may use."""
    names = {name.removeprefix("--") for argument in app["sweep"].assemble_argument_collection() for name in argument.names}
    return names - {"*", "config"}


def _check_config(path: str, known: set[str], questions: Collection[str]) -> None:
    """Refuse a file that is missing, is no TOML, or has a key that no setting has."""
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_CONFIG + 1)
        if len(content) > LARGEST_CONFIG:
            raise PlanError(f"config={path!r} holds more than {LARGEST_CONFIG:,} bytes: give a TOML file of settings")
        keys = tomllib.loads(content.decode())
    except OSError as error:
        raise PlanError(f"config={path!r} cannot be read ({error.strerror}): give a TOML file of settings") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanError(f"config={path!r} is no TOML ({error}): write lines such as seeds = 20") from error
    for key, value in keys.items():
        if key in questions and not isinstance(value, bool):
            raise PlanError(f"config={path!r}: {key}={value!r}: give true or false")
        if key.replace("_", "-") not in known:
            raise PlanError(f"config={path!r} has the unknown key {key!r}: {did_you_mean(key, known)}")


def _usage(error: CycloptsError) -> str:
    # a plan's own refusal of a value says more than the parser's wrapping of it
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PlanError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return f"{error}".strip() + " See --help."


def _fail(text: str, code: int) -> int:
    try:
        print(f"kdprobe: {visible(text)}", file=sys.stderr, flush=True)
    except OSError:
        _drop_output(2)  # a full disk: nobody can be told, but the code still says it
    return code
