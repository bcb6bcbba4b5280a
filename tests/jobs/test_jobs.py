import threading

import pytest

from desktop.errors import Cancelled
from desktop.jobs import Job, Pools, Progress


def test_a_job_tells_how_far_it_is() -> None:
    job = Job()
    job.report("workflow.progress.opening", 2, 5)
    assert job.progress == Progress("workflow.progress.opening", 2, 5)


def test_a_cancelled_job_stops_at_its_next_step() -> None:
    job = Job()
    job.cancel()
    assert job.cancelled
    with pytest.raises(Cancelled):
        job.check()
    with pytest.raises(Cancelled):
        job.report("workflow.progress.opening")


def test_store_work_is_done_in_order_by_one_worker() -> None:
    pools = Pools()
    done: list[tuple[int, str]] = []
    futures = [pools.store(lambda n=n: done.append((n, threading.current_thread().name))) for n in range(20)]  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    for future in futures:
        future.result()
    pools.close()
    assert [number for number, _ in done] == list(range(20))
    assert len({name for _, name in done}) == 1


def test_a_frame_does_not_wait_for_a_model() -> None:
    pools = Pools()
    release = threading.Event()
    model = pools.compute(release.wait)
    assert pools.display(lambda: "frame").result(timeout=5) == "frame"
    release.set()
    assert model.result(timeout=5)
    pools.close()
