"""A plug-in of one thing of each kind, for the tests of kdprobe."""
