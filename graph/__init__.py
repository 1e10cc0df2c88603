"""The graph and the run: what a user of the package works with.

::

    build        build_graph(): the steps and the ways between them; GRAPH_VERSION
    run          Run: start, open, resume, say, approve; list_runs
    record       what a run has on record: its part that only looks
    session      a run at work: lease, LLM and graph held together
    history      a line for each checkpoint, and the whole of one
    fork         a new run from a step of an old one
    prune        old checkpoints dropped
    difference   diff: what lies between two steps, versions or runs
"""
