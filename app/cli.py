"""Command line of Reelgate."""


def main() -> None:
    raise SystemExit(2)
