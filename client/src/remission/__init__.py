"""The client of Remission, which watches models in production and brings them back to health.

`Client` makes calls; `remission.sklearn.MonitoredModel` wraps an estimator and does the rest by itself.
"""

from remission.batches import make_batch, make_reference
from remission.certificates import CertificateFiles
from remission.client import DEFAULT_TARGET, Client
from remission.errors import CallError

__all__ = ["DEFAULT_TARGET", "CallError", "CertificateFiles", "Client", "make_batch", "make_reference"]
