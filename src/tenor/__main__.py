"""``python -m tenor``: the command line."""

from tenor.app.cli import main

if __name__ == "__main__":
    main()
