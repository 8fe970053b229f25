"""``kdprobe answers``."""

from kdprobe.cli._tables import Flag


def answers(*, again: Flag = False, path: Flag = False) -> int:
    """Open the survey's questions with their answers, and print each in a sentence with the command that makes it again.

    Parameters
    ----------
    again
        Make the page, and that of the taxonomy, anew from the built pages beside it.
    path
        Print where the page is, in place of opening it.
    """
    from kdprobe.cli._open import open_page
    from kdprobe.cli.tables import reports_folder
    from kdprobe.core.errors import DataError
    from kdprobe.core.files import write_atomically
    from kdprobe.core.words import visible
    from kdprobe.report.answers.index import answers as answered
    from kdprobe.report.answers.index import written

    folder = reports_folder()
    page = folder / "index.html"
    if again:
        for name, text in written(folder).items():
            write_atomically(folder / name, text.encode())
    if not page.exists():
        raise DataError(f"{visible(str(page))} is not there: kdprobe answers --again makes it from the pages beside it")
    if path:
        print(visible(str(page)))
        return 0
    for one in answered(folder):
        print(f"{one.question.asks}\n  {one.says[0].text}")
        print(f"  from {', '.join(one.pages)}; again: {' ; '.join(one.question.again)}")
    open_page(page)
    return 0
