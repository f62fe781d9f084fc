"""Where several processes share the tests, those that need the same costly thing go to the same one."""

import pytest


@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(4))
def test_process_knows_the_group_of_a_test(request, worker_id, number):
    """A pytest too new for pytest-xdist loses the groups without a word, and the tests take twice as long."""
    if worker_id == "master":
        pytest.skip("one process does all")
    assert request.node.nodeid.endswith("@together")
