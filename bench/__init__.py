"""How fast the gateway is, compared with the minimum for a server of its kind."""
