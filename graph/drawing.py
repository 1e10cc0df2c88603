"""The graph as a picture: its steps and the ways between them, in Mermaid's words."""


def mermaid() -> str:
    """The graph of every run, as LangGraph draws it. Nothing is opened for it."""
    from .build import build_graph

    return build_graph().compile().get_graph().draw_mermaid()
