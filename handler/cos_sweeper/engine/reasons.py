"""
Why something is left to a later run.
"""

OUT_OF_TIME = "out of time"
STOPPED = "COS accepts the credentials or the clock no longer"
NOT_FRESH = "its parts could not be looked at shortly before an abort"
