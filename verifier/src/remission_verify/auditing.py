"""What the command checks: a log, or a receipt, against whom it believes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from remission_verify.envelope import read_envelope
from remission_verify.errors import FileInvalid, VerificationError
from remission_verify.findings import Fault, Findings
from remission_verify.folder import TileFolder
from remission_verify.log import LogCheck, Older, Progress, silently
from remission_verify.merkle import hash_leaf, verify_inclusion
from remission_verify.receipt import parse_receipt
from remission_verify.tiles import CHECKPOINT
from remission_verify.trust import Signed, Trust

#: No earlier checkpoint.
NONE: Mapping[str, str] = MappingProxyType({})


def check_log(folder: Path, trust: Trust, older: Mapping[str, str] = NONE, progress: Progress = silently) -> Findings:
    """Check an exported log; *older* are the notes of earlier checkpoints by their files. Faults are told, not raised.

    Raises:
        FileInvalid: There is no such folder.
    """
    if not folder.is_dir():
        raise FileInvalid(f"{folder}: is no folder; one with `{CHECKPOINT}` and `tile/` is accepted")
    found = Findings()
    try:
        signed = trust.open(TileFolder(folder).checkpoint())
    except VerificationError as error:
        found.add(Fault(CHECKPOINT, str(error).removeprefix(f"{CHECKPOINT}: ")))
        found.unchecked = "all entries, since no checkpoint says which they are"
        return found
    told = _of(signed, found)
    return LogCheck(folder, signed.checkpoint, list(_older(trust, older, told)), progress, told).run()


def check_receipt(file: str, text: str, entry: bytes, trust: Trust) -> Findings:
    """Check that *entry* stands in the log, by the receipt *text* in *file*. Faults are told, not raised."""
    found = Findings(unchecked="the entry, since its receipt cannot be read")
    try:
        receipt = parse_receipt(text)
        found.checked.append("the form of the receipt")
        found.unchecked = "the entry, since the checkpoint of its receipt is not believed"
        signed = trust.open(receipt.checkpoint)
        found = _of(signed, found)
        found.checked.append("the checkpoint")
        found.checked.append("the way of the entry to its root")
        found.unchecked = ""
        told = signed.checkpoint
        verify_inclusion(hash_leaf(entry), receipt.index, told.size, receipt.path, told.root)
        found.root = told.root.hex()
        if read_envelope(entry).position != receipt.index + 1:
            found.add(Fault(file, "the entry says that it stands elsewhere", receipt.index + 1))
    except VerificationError as error:
        found.add(Fault(file, str(error)))
    return found


def _of(signed: Signed, found: Findings) -> Findings:
    """Note what was signed, and by whom."""
    found.origin, found.size = signed.checkpoint.origin, signed.checkpoint.size
    found.signed_by = tuple(f"{one.name}+{one.key_id.hex()}" for one in signed.by)
    found.witnesses = tuple((one.witness.name, one.time_s) for one in signed.seen_by)
    return found


def _older(trust: Trust, notes: Mapping[str, str], found: Findings) -> Iterator[Older]:
    for file, note in notes.items():
        try:
            yield file, Trust(trust.verifiers).open(note).checkpoint
        except VerificationError as error:
            found.add(Fault(file, str(error)))
