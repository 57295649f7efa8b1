"""What versions cost: is the champion worse (`decline.py`), would a fresh one do better (`regret.py`), since when?"""
