"""What follows from what is seen: advisers are asked, and their rulings become commands. Only `act` changes anything."""
