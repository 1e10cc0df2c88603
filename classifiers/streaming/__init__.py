"""Labelling a corpus of any size from file to file: on every core, in flat memory, and resumable.

::

    labelling   classify: reads batches, has them labelled, writes them in order; where all of it comes together
    pool        worker processes, and their batches in order
    worker      what such a process does
    frames      what goes through the pipes between them
    results     a batch of predictions as columns, and those as a table of labels
    parts       what is finished, beside the output, until all of it is
"""

from .labelling import ClassifySummary, classify

__all__ = ["ClassifySummary", "classify"]
