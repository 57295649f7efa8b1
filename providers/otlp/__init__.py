"""Points that OpenTelemetry's exporters send, as points of signals."""
