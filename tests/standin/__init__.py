"""A second stand-in for 1min.ai, on raw sockets.

It is written from the upstream's documentation and from recorded observations of its API, and
knows neither the simulator nor the gateway's client: what those two agree on by mistake, it does
not share. Every byte it sends is its own, so it can also send what no HTTP framework would.
"""
