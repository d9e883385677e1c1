"""
The whole as a state machine: the laws hold whatever happens in whatever order.

The same worlds every time, so that a change is to blame when one fails; `make nightly` tries more of them, and
`soak.py` looks for others.
"""

from hypothesis import settings

from tests.profiles import examples
from tests.simulation.in_memory.machine import World

TestTheLawsHoldWhateverHappensInWhateverOrder = World.TestCase
TestTheLawsHoldWhateverHappensInWhateverOrder.settings = settings(
    max_examples=examples(100), stateful_step_count=30, derandomize=True
)
