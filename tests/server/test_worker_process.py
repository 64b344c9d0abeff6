"""A worker as the supervisor sees it."""

from outgate.server.worker_process import WorkerProcess


def test_it_is_back_after_a_while_only_where_it_served_before():
    worker = WorkerProcess(0)
    worker.has_ended(1.0)

    assert worker.is_back(2.0) is None
    worker.has_ended(5.0)
    assert (False, 3.5) == (worker.serves, worker.is_back(8.5))


def test_one_that_is_not_there_is_neither_signalled_nor_written_to():
    worker = WorkerProcess(0)
    worker.signal(15)
    worker.write("info")

    assert not worker.ready
