"""What the service costs beside the least that could do the work."""
