"""What methods of all families share."""
