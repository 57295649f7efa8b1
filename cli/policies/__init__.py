"""`remission policy`: reads files of policies, says what they mean and what differs, and tries them on history."""
