"""What a process that runs `toy_runs` imports; imported once by the server that forks such processes."""

import faiss  # noqa: F401
import langchain_openai  # noqa: F401
import langgraph.checkpoint.sqlite
import langgraph.graph  # noqa: F401
import pyarrow.parquet  # noqa: F401
import sklearn.cluster
import sklearn.linear_model
import sklearn.metrics  # noqa: F401
import tnt_llm.graph.build  # noqa: F401
import toy_runs  # noqa: F401
