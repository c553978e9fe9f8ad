"""The gateway's promises (README), tested with real processes."""
