"""A simulator of 1min.ai: the same HTTP API, a database of every request, and real MP4 files.

`app.create_simulator` builds the ASGI app, `server.uvicorn_config` serves it and `faults.FAULTS`
lists the faults it can produce. It makes no requests of its own and bills no real credits.
"""
