"""The gRPC face of the service: messages to requests, views to messages, refusals to statuses."""
