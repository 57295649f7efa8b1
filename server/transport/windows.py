"""Windows of rows as messages."""

from __future__ import annotations

from remission.v1 import health_pb2 as pb

from monitoring.quality.faults import QualityFinding
from server.models.windows import FeatureView, SegmentView, WindowView


def row_window(view: WindowView) -> pb.RowWindow:
    """Write what a window showed."""
    window, estimate = view.window, view.estimate
    return pb.RowWindow(
        first_row=window.first_row, end_row=window.end_row, rows=window.profile.rows, repeats=window.seen.repeats,
        label_coverage=view.coverage, loss=view.loss, estimated_loss=estimate.loss if estimate else None,
        estimated_error=estimate.error if estimate else None, latency_p50_us=view.latency_us[0],
        latency_p99_us=view.latency_us[1], log_evidence=window.drift.log_evidence, verdict=window.drift.verdict,
        label_delay_p50_us=view.delay_us[0], label_delay_p90_us=view.delay_us[1],
        features=[_feature(one) for one in view.features], faults=[_fault(one) for one in window.faults],
        segments=[_segment(one) for one in view.segments],
    )  # fmt: skip


def _feature(view: FeatureView) -> pb.FeatureWindow:
    standing = view.standing
    return pb.FeatureWindow(
        name=standing.name, log_evidence=standing.log_evidence, change=standing.change, **standing.sizes,
        **view.shares, mean=view.mean, spread=view.spread,
        new_categories=[pb.CategoryCount(category=word, rows=rows) for word, rows in view.words],
    )  # fmt: skip


def _segment(view: SegmentView) -> pb.SegmentWindow:
    return pb.SegmentWindow(
        name=view.name, rows=view.rows, labelled=view.labelled, loss=view.loss, accepted=view.accepted,
        log_evidence=view.log_evidence,
    )  # fmt: skip


def _fault(found: QualityFinding) -> pb.DataFault:
    return pb.DataFault(
        feature=found.feature, kind=found.kind, share=found.share, tolerated=found.tolerated,
        onset_row=found.onset_row, told=found.told,
    )  # fmt: skip
