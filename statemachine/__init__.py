"""What a model's health is, and which moves it may make: words and rules, no clock, no chance, no memory."""
