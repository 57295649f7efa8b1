"""What follows from what is seen: advisers are asked, their rulings become commands. Only `act` changes anything."""
