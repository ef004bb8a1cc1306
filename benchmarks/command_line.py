"""The command line of a benchmark that has nothing to choose: --help, and anything else is refused."""

import argparse


def without_flags(text: str | None) -> None:
    """Explain on --help; refuse every flag. text: the benchmark's docstring."""
    argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
