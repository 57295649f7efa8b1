"""What the service costs beside the least that could do the work, and what its alarms and diagnoses are worth."""
