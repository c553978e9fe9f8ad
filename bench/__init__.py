"""How fast the gateway is, beside the least any server of its kind could do."""
