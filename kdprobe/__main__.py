"""``kdprobe`` and ``python -m kdprobe``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        # importing takes a moment in which a person may already have changed their mind
        from kdprobe.cli import run
    except KeyboardInterrupt:
        print("kdprobe: interrupted", file=sys.stderr)
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
