"""The survey's questions, each answered from the pages that were built: nothing here is typed by hand, every number is read from a page."""
