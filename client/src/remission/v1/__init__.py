"""Generated code of the contract `remission.v1`; never edited."""
