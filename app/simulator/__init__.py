"""A stand-in for 1min.ai: it speaks the same HTTP, keeps books and renders real MP4 files.

`app.create_simulator` builds the ASGI app, `server.uvicorn_config` serves it, `faults.FAULTS` lists
what can go wrong on request. Nothing here reaches beyond loopback and nothing costs anything.
"""
