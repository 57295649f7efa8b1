"""What is trained, on which rows, in which sandbox, and what proves it."""
