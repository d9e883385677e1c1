"""
Every operation × every fault, as `table.txt` has it.
"""

from collections.abc import Iterator

import pytest

from cos_sweeper import app
from tests.emulator.public import Cloud
from tests.faults.chains import start
from tests.faults.kinds import KINDS
from tests.faults.table import WAYS, Cell, cells, seen

CELLS = list(cells())
PLAYED = [cell for cell in CELLS if cell.expected is not None]

# The SDK's own, on Python 3.12 and later.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")


@pytest.fixture(scope="module")
def scf() -> Iterator[Cloud]:
    with start() as cloud:
        yield cloud
    app.instance.reset()


def test_table_has_a_row_for_every_fault_at_every_operation() -> None:
    assert [(cell.way, cell.fault) for cell in CELLS] == [(way, fault) for way in WAYS for fault in KINDS]
    assert all(cell.expected or cell.why_not for cell in CELLS)


@pytest.mark.sampled(30)
@pytest.mark.parametrize("cell", PLAYED, ids=[cell.name for cell in PLAYED])
def test_cell_of_the_table_is_what_happens(cell: Cell, scf: Cloud) -> None:
    assert seen(scf, cell) == cell.expected
