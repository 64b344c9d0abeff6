"""The nouns of inference traffic, frozen."""
