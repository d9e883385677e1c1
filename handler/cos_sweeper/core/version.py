"""
The version of this program. It stands in every report and in the log line `run.finished`; pyproject.toml has the same.
"""

VERSION = "0.9.0"
