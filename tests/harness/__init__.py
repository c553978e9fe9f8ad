"""What tests stand on: real Postgres, a gateway in-process, and gateways as real processes."""
