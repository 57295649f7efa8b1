"""Jobs: training that waits for workers: leased to one at a time, and its result taken in once.

Its face: `office.py`, where workers turn to. `leasing.py` gives jobs away and takes them back; `holding.py` says whose
a lease is, and `allowance.py` how much may be uploaded under one. `training.py` takes results in, once `reports.py`,
`figures.py` and `manifests.py` have found them to be of their job.
"""
