"""What can be generated, as data: one file a family of models. Pure."""
