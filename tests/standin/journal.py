"""What the stand-in was sent, for tests to ask about."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.standin.requests import Request


@dataclass(slots=True, kw_only=True)
class Post:
    """One create. `repeatable`: its answer says for certain that nothing was made of it."""

    request: Request
    prompt: str
    oddities: tuple[str, ...] = ()
    uuid: str | None = None
    billed: int = 0
    repeatable: bool = False


@dataclass(slots=True)
class Journal:
    requests: list[Request] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    #: Requests for what only an odd redirect or link names.
    strays: list[Request] = field(default_factory=list)
    #: What came and was no request, and what broke in the stand-in itself.
    failures: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    open: int = 0
    most_open: int = 0

    def connected(self) -> int:
        """The number of a new connection."""
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        return self.connections

    def disconnected(self) -> None:
        self.open -= 1

    def posts_for(self, prompt: str) -> list[Post]:
        return [post for post in self.posts if post.prompt == prompt]

    def billed(self, prompt: str) -> int:
        return sum(post.billed for post in self.posts_for(prompt))

    def sent_twice(self) -> dict[str, list[str]]:
        """Prompts that came again after a create that may have been processed, each with the
        oddities its creates met."""
        found: dict[str, list[Post]] = defaultdict(list)
        for post in list(self.posts):
            found[post.prompt].append(post)
        return {
            prompt: ["+".join(post.oddities) or "plain" for post in posts]
            for prompt, posts in found.items()
            if any(not post.repeatable for post in posts[:-1])
        }

    def cookies(self) -> list[str]:
        """Every Cookie header that any request carried."""
        return [
            value for request in list(self.requests) for name, value in request.headers
            if name == "cookie"
        ]  # fmt: skip

    def shared_connections(self) -> dict[int, set[str]]:
        """Connections that carried requests with more than one key."""
        keys: dict[int, set[str]] = defaultdict(set)
        for request in list(self.requests):
            key = request.header("api-key")
            if key is not None:
                keys[request.connection].add(key)
        return {connection: found for connection, found in keys.items() if len(found) > 1}
