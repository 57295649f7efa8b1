"""Jobs: training that waits for workers: leased to one at a time, and its result taken in once.

Its face: `office.py`, where workers turn to. `leasing.py` gives jobs away and takes them back; `training.py` takes
results in, once `reports.py`, `figures.py` and `manifests.py` have found them to be of their job.
"""
