"""
The whole as a state machine: whatever happens in whatever order, the laws hold.
"""

from hypothesis import settings

from tests.world.machine import World

TestTheLawsHoldWhateverHappensInWhateverOrder = World.TestCase
TestTheLawsHoldWhateverHappensInWhateverOrder.settings = settings(max_examples=300, stateful_step_count=30)
