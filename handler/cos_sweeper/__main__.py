"""
`python -m cos_sweeper`: the terminal command.
"""

from cos_sweeper.cli.main import main

if __name__ == "__main__":
    main()
