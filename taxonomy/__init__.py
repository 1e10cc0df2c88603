"""The taxonomy and its algebra: frozen values, and the only ways to change them. Imports nothing of ours.

::

    errors      every error of tnt, drawn as one tree
    document    Document: one text of the corpus
    values      Category and Taxonomy: what is being built
    names       normalise_name, same_name, is_vague: what makes a name
    edits       Edit: add, redefine, merge, split, remove or move; whatever changes a taxonomy is a list
    draft       what each edit means and when it is refused (private to apply)
    apply       apply(taxonomy, edits): the new taxonomy, what was applied, what was refused and why
    version     Version: a taxonomy with its parent, its author and the edits between the two
    lineage     follow(versions): where a label given under an old version points now
    plan        Plan: what a user wants of the taxonomy
    distance    touched_share and match: how far two taxonomies are apart

Nothing rewrites a taxonomy. The model's update, the reviewer's polish, a person's wish: each is a list of
edits, and ``apply`` is pure and total, so every rule about size, names and levels holds by code, never by a
prompt::

    >>> from tnt_llm.taxonomy.edits import Add
    >>> from tnt_llm.taxonomy.version import Author, Version
    >>> version = Version.first().then(
    ...     [
    ...         Add(name="Refunds", description="Wants money back."),
    ...         Add(name="Late delivery", description="A parcel has not come."),
    ...         Add(name="Other", description="Everything else."),
    ...     ],
    ...     author=Author.MODEL,
    ... )
    >>> version.taxonomy.names
    ('Refunds', 'Late delivery')
    >>> version.refused[0].reason
    'the name "Other" is too vague: name what its documents are about'
"""
