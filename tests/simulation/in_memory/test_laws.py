"""
The whole as a state machine: whatever happens in whatever order, the laws hold.

The same worlds every time, so that a change is to blame when one fails; `make nightly` tries more of them, and
`tests.simulation.in_memory.soak` looks for others.
"""

from hypothesis import settings

from tests.profiles import examples
from tests.simulation.in_memory.machine import World

TestTheLawsHoldWhateverHappensInWhateverOrder = World.TestCase
TestTheLawsHoldWhateverHappensInWhateverOrder.settings = settings(
    max_examples=examples(100), stateful_step_count=30, derandomize=True
)
