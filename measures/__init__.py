"""What a loss is, and what sums of losses prove: shared by everyone who judges, and by nobody who acts."""
