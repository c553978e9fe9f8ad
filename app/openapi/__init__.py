"""The OpenAPI document of the own REST and the 1min.ai dialect, and a page to read it on."""
