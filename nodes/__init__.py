"""The steps of the graph, one module each, named by its part in the paper."""
