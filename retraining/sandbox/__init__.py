"""Where candidates are trained: a child of its own for each job, without network, with limits on everything else."""

from retraining.sandbox.supervisor import Outcome, Sandbox

__all__ = ["Outcome", "Sandbox"]
