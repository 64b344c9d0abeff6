"""Credentials that are fetched from where they are issued: OAuth 2.0, Google, Azure and AWS, through the one outbound client."""
