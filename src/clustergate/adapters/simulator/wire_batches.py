"""The shapes of batches and their results, as OpenAI and as Anthropic put them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clustergate.adapters.simulator.batches import Job

_A_DAY = 86400


def file(name: str, size: int) -> dict[str, Any]:
    """A file that OpenAI was sent."""
    return {"id": name, "object": "file", "bytes": size, "created_at": 0, "filename": "", "purpose": "batch",
            "status": "processed"}  # fmt: skip


def openai(job: Job) -> dict[str, Any]:
    """A batch. What did not come before it expired makes it an expired one; the rest of its results is there."""
    good = sum(said is not None and said[0] < 300 for said in job.came.values())
    expired = None in job.came.values()
    status = "in_progress" if job.ended is None else "expired" if expired else "completed"
    over = job.ended is not None
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "errors": None,
        "input_file_id": job.input_file,
        "completion_window": "24h",
        "status": status,
        "output_file_id": f"file-{job.id}-output" if over and good else None,
        "error_file_id": f"file-{job.id}-errors" if over and good < len(job.lines) else None,
        "created_at": int(job.created),
        "expires_at": int(job.created) + _A_DAY,
        "completed_at": None if job.ended is None else int(job.ended),
        "request_counts": {"total": len(job.lines), "completed": good, "failed": len(job.came) - good},
        "metadata": job.metadata,
    }


def openai_results(job: Job, *, errors: bool) -> list[dict[str, Any]]:
    """The file of answers, or that of errors."""
    lines: list[dict[str, Any]] = []
    for name, said in job.came.items():
        if errors is (said is not None and said[0] < 300):
            continue
        response = None if said is None else {"status_code": said[0], "request_id": uuid.uuid4().hex, "body": said[1]}
        expired = {
            "code": "batch_expired",
            "message": "This request could not be executed before the completion window expired.",
        }
        line = {"id": f"batch_req_{uuid.uuid4().hex[:24]}", "custom_id": name}
        lines.append({**line, "response": response, "error": expired if said is None else None})
    return lines


def anthropic(job: Job, root: str) -> dict[str, Any]:
    """A batch; `root` is the URL of all batches. Its counts are told when it has ended, not before."""
    came = list(job.came.values()) if job.ended is not None else []
    good = sum(said is not None and said[0] < 300 for said in came)
    expired = came.count(None)
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": "in_progress" if job.ended is None else "ended",
        "request_counts": {
            "processing": len(job.lines) - len(came),
            "succeeded": good,
            "errored": len(came) - good - expired,
            "canceled": 0,
            "expired": expired,
        },
        "created_at": _moment(job.created),
        "expires_at": _moment(job.created + _A_DAY),
        "ended_at": None if job.ended is None else _moment(job.ended),
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None if job.ended is None else f"{root}/{job.id}/results",
    }


def anthropic_results(job: Job) -> list[dict[str, Any]]:
    """The stream of results."""
    return [{"custom_id": name, "result": _result(said)} for name, said in job.came.items()]


def _result(said: tuple[int, Mapping[str, Any]] | None) -> dict[str, Any]:
    if said is None:
        return {"type": "expired"}
    status, body = said
    return {"type": "succeeded", "message": body} if status < 300 else {"type": "errored", "error": body}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
