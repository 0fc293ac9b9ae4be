"""What should I hold: from a probability to a position, and from positions to money after costs."""
