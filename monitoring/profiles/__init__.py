"""What is counted of rows, as integers that merge: references, profiles of windows, changes that counts can tell."""
