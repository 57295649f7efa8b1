"""What follows from what is seen: advisers are asked, their rulings become commands. Only `act` changes anything.

Its face: a module for each thing to react to, upon `scene.py`, which is one model at the moment that it is looked at.
"""
