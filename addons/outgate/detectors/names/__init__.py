"""Names and places: what of a text is read for them, and what lists and forms tell without a model."""
