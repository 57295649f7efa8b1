"""Chance: how far the loudest of several strays, though nothing is there."""

from statistics import NormalDist


def errors_of_any(alpha: float, number: int) -> float:
    """Return the standard errors that chance passes in any of *number*, at most in *alpha* of all cases (Bonferroni).

    By the normal law, and one-sided; whatever one of them has to do with another.

    >>> [round(errors_of_any(0.05, number), 2) for number in (1, 4, 16)]
    [1.64, 2.24, 2.73]

    Raises:
        StatisticsError: The share of one is too small to be told from none.
    """
    return NormalDist().inv_cdf(1 - alpha / number)


def shared_among(errors: float, number: int) -> float:
    """Return the standard errors that chance passes in any of *number* as seldom as *errors* in one alone.

    Of chances too small to be told from none there is nothing to share.

    >>> round(shared_among(3.0, 4), 2), shared_among(9.0, 4)
    (3.4, 9.0)
    """
    alpha = 1 - NormalDist().cdf(errors)
    return errors_of_any(alpha, number) if 1 - alpha / number < 1 else errors
