"""What others measure: plain series (`series.py`), and what a policy asks of all signals (`conditions.py`)."""
