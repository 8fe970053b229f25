"""A plug-in of one probe, for the tests of kdprobe."""
