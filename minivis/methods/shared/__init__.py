"""Parts that methods of all families share."""
