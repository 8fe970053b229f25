"""Where units of work run: in this process, or on Dask workers. Both hand back one outcome at a time."""
