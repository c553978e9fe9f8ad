"""Storms: a real gateway before an upstream that answers oddly, and what must hold all the same."""
