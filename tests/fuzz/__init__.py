"""Fuzzing of everything that reads files: broken, odd and hostile inputs must end in a result or in one sentence.

    python -m tests.fuzz [--target NAME ...] [--runs N] [--seed S] [--engine atheris|plain] [--keep FOLDER]

The targets are in targets.py, their seeds, small real files, in seeds.py; mutate.py changes the files' bytes and what
they hold, judge.py says what came of it. `make fuzz` runs 20,000 inputs a target, test_fuzz.py a short slice.
"""
