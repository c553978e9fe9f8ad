"""Shared by all tests: real Postgres, a gateway in-process, and gateways as real processes."""
