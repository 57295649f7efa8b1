"""What others measure is fetched, or taken in, and sent to the service as any caller would send it."""
