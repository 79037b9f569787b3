"""Reading: the pure parts."""
