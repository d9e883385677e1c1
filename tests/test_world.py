"""
The whole as a state machine: whatever happens in whatever order, the laws hold.

The same worlds every time, so that a change is to blame when one fails; `tests.soak` goes and looks for others.
"""

from hypothesis import settings

from tests.world.machine import World

TestTheLawsHoldWhateverHappensInWhateverOrder = World.TestCase
TestTheLawsHoldWhateverHappensInWhateverOrder.settings = settings(
    max_examples=300, stateful_step_count=30, derandomize=True
)
