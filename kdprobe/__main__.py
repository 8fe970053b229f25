"""``python -m kdprobe``."""

from kdprobe.cli import main

if __name__ == "__main__":
    main()
