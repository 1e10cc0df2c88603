"""Encoders, the FAISS index, heads, the classifier and its bundle on disk, streaming prediction.

::

    encoders      texts to unit vectors: open_encoder(spec)
    index         EmbeddingIndex: exact nearest neighbours
    heads/        vectors to class probabilities: one Protocol, one module a kind
    classifier    Classifier: predict, save, load; when a text is undefined
    gate          when a text is too far from everything known
    calibration   probabilities that mean what they say
    agreement     from which confidence on agreement with the LLM can be promised
    multilabel    which labels apply beside the primary one
    bundle        the classifier on disk, without pickle; card: what it tells people
    streaming     classify(): any number of texts in flat memory
    tables        LabelWriter: label rows as CSV, JSONL or Parquet
    folds         who is in which fold of a cross-validation
"""
