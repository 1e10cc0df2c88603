"""The graph and the run: what a user of the package works with.

::

    build        build_graph(): the steps and the ways between them; GRAPH_VERSION
    run          Run: start, open, resume, approve, and look at a run; list_runs
    difference   diff: what lies between two steps, versions or runs
"""
