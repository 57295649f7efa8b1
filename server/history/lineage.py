"""Lineage both ways: from each version to its data, code, parameters and approvals, and from data to versions.

What the log does not hold is told as such: how the first champion was trained is its owner's to say. Where a document
was erased, what stood in it is None.
"""

from __future__ import annotations

from typing import Any, Protocol

from server.history.folding import Step
from server.history.incidents import mark
from statemachine import events as e
from statemachine.words import Remedy

Document = dict[str, Any]


class Documents(Protocol):
    """Where specs and manifests are read."""

    def document(self, sha256: str) -> Document | None:
        """Give the JSON object under this hash; None when it was erased."""
        ...


class Lineage:
    """Hears the steps of one model in order."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._versions: dict[str, Document] = {}
        self._data: dict[str, Document] = {}
        self._erasures: list[Document] = []
        self._remedy: Document = {}  #: of the remediation under way: who asked, who agreed, what was proposed
        self._job = ""  #: the job whose spec was read last

    def take(self, step: Step) -> None:
        """Hear one event."""
        match step.fact:
            case e.ModelRegistered() as fact:
                self._register(step, fact)
            case e.ArtifactRegistered(version=version, manifest=manifest):
                self._artifact(self._versions[version], manifest)
            case e.ChallengeQueued(job=job, spec=spec):
                self._scope("challenge", job, spec)
            case e.CandidateTrained() as fact:
                self._train(step, fact)
            case e.Erased() as fact:
                self._erase(step, fact)
            case _:
                self._of_remedy(step)
        self._serve(step)

    def told(self) -> Document:
        """Tell versions and data."""
        versions, data = list(self._versions.values()), list(self._data.values())
        return {"versions": versions, "data": data, "erasures": self._erasures}

    def _register(self, step: Step, fact: e.ModelRegistered) -> None:
        reference = {"sha256": fact.reference_sha256, "rows": [[0, fact.reference_rows]]}
        made = _version(fact.champion, "registered", mark(step, actor=step.recorded.actor))
        made["data"] = {"reference": reference, "features_sha256": fact.features_sha256}
        made["code"] = {"recorded": False, "why": "it was trained elsewhere, before it came under watch"}
        self._versions[fact.champion] = made
        self._data[fact.reference_sha256] = {"kind": "reference", **reference, "versions": [fact.champion]}

    def _of_remedy(self, step: Step) -> None:
        match step.fact:
            case e.RemediationStarted(requested_by=requested_by):
                self._remedy = {"requested_by": requested_by, "started": mark(step), "approvals": []}
            case e.ScopeProposed(job=job, spec=spec):
                self._remedy["scope"] = mark(step, job=job, spec_sha256=spec)
                self._scope("bake-off", job, spec)
            case e.ApprovalGiven(note=note) | e.ApprovalRefused(note=note):
                said = mark(step, said=step.recorded.type, actor=step.recorded.actor, note=note)
                self._remedy["approvals"].append(said)
            case e.JobLeased(worker=worker, attempt=attempt):
                self._remedy["leased"] = mark(step, worker=worker, attempt=attempt)
            case e.GatesJudged(passed=passed) if step.before.candidate:
                self._happened(step.before.candidate, step, passed=passed)
            case e.CanaryJudged(verdict=verdict, reason=reason) if step.before.candidate:
                self._happened(step.before.candidate, step, verdict=verdict, reason=str(reason))
            case e.PromotionConfirmed(champion=champion):
                self._happened(champion, step)
            case e.RolledBack(reason=reason, version=version):
                left = step.before.candidate or step.before.champion
                self._happened(left, step, reason=str(reason), serves=version)
            case _:
                pass  # it says nothing of where a version comes from

    def _erase(self, step: Step, fact: e.Erased) -> None:
        """Note that rows were erased, and which versions have learned from them: those are kept, and named."""
        told = {"scope": fact.scope, "rows": fact.rows, "labels": fact.labels}
        self._erasures.append(mark(step, erasure=fact.erasure, versions=fact.versions, **told))
        for version in fact.versions:
            self._happened(version, step, **told)

    def _scope(self, kind: str, job: str, spec_sha256: str) -> None:
        """Note the data that a job was given. The rows themselves stay in the service: only their hash is told."""
        spec = self._documents.document(spec_sha256) if spec_sha256 else None
        self._job = job
        self._data[job] = {
            "kind": kind, "job": job, "spec_sha256": spec_sha256, "sha256": _get(spec, "dataset"),
            "rows": _span(spec), "holdout": _get(spec, "holdout"), "features": _names(spec), "versions": [],
        }  # fmt: skip

    def _train(self, step: Step, fact: e.CandidateTrained) -> None:
        if fact.remedy == Remedy.RESTORE and fact.version in self._versions:
            self._happened(fact.version, step, remedy=str(fact.remedy), **self._remedy)
            return
        made = _version(fact.version, "trained", mark(step, actor=step.recorded.actor))
        made.update(remedy=str(fact.remedy), entrant=fact.entrant, isolation=fact.isolation, **self._remedy)
        made["semantic_sha256"] = fact.semantic_sha256
        self._versions[fact.version] = made
        self._artifact(made, fact.manifest)
        if fact.job in self._data:
            made["data"]["holdout"] = self._data[fact.job]["holdout"]
            self._data[fact.job]["versions"].append(fact.version)

    def _artifact(self, version: Document, manifest_sha256: str) -> None:
        """Tell the bytes of a version, what they were trained on, and by which code."""
        found = self._documents.document(manifest_sha256) if manifest_sha256 else None
        version["manifest_sha256"] = manifest_sha256
        if found is None:
            return
        names = ("format", "artifact_sha256", "params", "seed", "base_version", "base_manifest_sha256")
        version["artifact"] = {name: found.get(name) for name in names}
        if version["origin"] == "trained":
            version["data"] = {
                "sha256": found.get("dataset_sha256"), "rows": found.get("rows"), "weights": "equal",
                "features": _names(found),
            }  # fmt: skip
            version["code"] = {"recorded": True, "template": found["template"], "libraries": found.get("libraries")}

    def _serve(self, step: Step) -> None:
        """Note when a version becomes champion or candidate, and when it ends to be."""
        for role in ("champion", "candidate"):
            was, becomes = getattr(step.before, role), getattr(step.after, role)
            if was == becomes:
                continue
            for span in self._versions[was]["served"] if was in self._versions else ():
                if span["as"] == role and span["until"] is None:
                    span["until"] = mark(step)
            if becomes in self._versions:
                self._versions[becomes]["served"].append({"as": role, "from": mark(step), "until": None})

    def _happened(self, version: str, step: Step, **facts: Any) -> None:  # noqa: ANN401 - facts of an event
        if version in self._versions:
            self._versions[version]["events"].append(mark(step, type=step.recorded.type, **facts))


def _version(name: str, origin: str, came: Document) -> Document:
    return {
        "version": name, "origin": origin, "came": came, "manifest_sha256": "", "artifact": None,
        "data": {}, "code": {"recorded": False}, "served": [], "events": [],
    }  # fmt: skip


def _get(document: Document | None, name: str) -> Any:  # noqa: ANN401 - any field of a document
    return document.get(name) if document else None


def _span(spec: Document | None) -> list[list[int]] | None:
    """Give the stretch of the feed that the dataset of *spec* holds."""
    if not spec:
        return None
    starts = [first for entrant in spec["entrants"] for first, _ in entrant["rows"]]
    return [[min([spec["holdout"][0], *starts]), spec["holdout"][1]]]


def _names(document: Document | None) -> list[str] | None:
    return [feature["name"] for feature in document.get("features", ())] if document else None
