"""The promises of the design, shown with real processes."""
