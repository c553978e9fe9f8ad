"""Breaks a running gateway at random and counts what was lost.

`python -m tests.chaos --generations N --minutes M --seed S`, or `make chaos ARGS="…"`.
"""
