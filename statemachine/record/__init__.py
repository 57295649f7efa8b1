"""What is written for ever: canonical bytes, the envelopes and chains that bind them, and old forms read today."""
