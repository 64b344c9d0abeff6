"""Policy files: read strictly, every problem at once, compiled to an immutable plan per route, swapped whole."""
