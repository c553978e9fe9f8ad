"""What the upstream has made: its records by id, and its films by path."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.standin import films, storage
from tests.standin.records import SUCCESS, Record


class Shelf:
    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.made: list[Record] = []
        self._by_uuid: dict[str, Record] = {}

    def add(self, record: Record) -> None:
        """One uuid may be given twice: it then means the later record."""
        self.made.append(record)
        self._by_uuid[record.uuid] = record

    def find(self, uuid: str) -> Record | None:
        return self._by_uuid.get(uuid.lower())

    def film(self, path: str) -> tuple[Record, bytes] | None:
        """Of a video that exists by now."""
        for record in self.made:
            if record.path == path and record.status == SUCCESS:
                return record, films.film_for(record.asked["promptObject"])
        return None

    def made_for(self, prompt: str) -> list[Record]:
        return [record for record in self.made if record.prompt == prompt]

    def another(self, record: Record) -> Record | None:
        """The newest that was made for another prompt."""
        others = (each for each in reversed(self.made) if each.prompt != record.prompt)
        return next(others, None)

    def link(self, record: Record) -> str:
        return storage.sign(self.origin, record.path, datetime.now(UTC))

    def document(self, record: Record) -> dict[str, object]:
        return record.document(self.link(record))
