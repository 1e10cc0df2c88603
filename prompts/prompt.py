"""A prompt: a file ``NAME.md`` in this folder, with a version, filled in by Jinja.

The file opens with its version and goes on with its messages::

    version: 1
    # system
    You read texts in order to {{ use_case }}.
    # user
    {{ text }}

A variable that is not given is an error. Whoever changes the wording raises the version: it is part of what
stored answers are found by (through the rendered text) and of what the votes of a labeler are kept under.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template, TemplateError

from ..taxonomy.errors import PromptError

_ROLE = re.compile(r"^# (system|user|assistant)\n", re.MULTILINE)
_HEAD = re.compile(r"\Aversion: (\d+)\n")
_JINJA = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - a prompt is no HTML; `quote` is what makes documents harmless in it


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt file.

    Attributes:
        name: the file's name without its ending.
        version: a whole number, raised with every change of wording.
        parts: (role, template) of each message.
    """

    name: str
    version: int
    parts: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, name: str, source: str) -> "Prompt":
        """Read a prompt from the text of its file.

        Raises:
            PromptError: there is no version or no message.
        """
        head = _HEAD.match(source)
        if head is None:
            raise PromptError(f"the prompt {name!r} must open with a line 'version: N'")
        pieces = _ROLE.split(source[head.end() :])
        if len(pieces) < 3 or pieces[0].strip():
            raise PromptError(f"the prompt {name!r} needs a line '# system' or '# user' after its version")
        parts = tuple((role, text.strip()) for role, text in zip(pieces[1::2], pieces[2::2], strict=True))
        return cls(name=name, version=int(head.group(1)), parts=parts)

    def render(self, **variables: object) -> tuple[tuple[str, str], ...]:
        """The messages, (role, content) each, filled in.

        Raises:
            PromptError: a variable is missing, or the template is malformed.
        """
        try:
            return tuple((role, _compiled(template).render(variables)) for role, template in self.parts)
        except TemplateError as error:
            raise PromptError(f"the prompt {self.id} cannot be filled in: {error}") from error


@cache
def _compiled(template: str) -> Template:
    """The template as code: some milliseconds to make, which every text of a corpus would pay."""
    return _JINJA.from_string(template)


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt in ``NAME.md``.

    Raises:
        PromptError: there is no such file, or it is malformed.
    """
    file = resources.files(__package__).joinpath(f"{name}.md")
    if not file.is_file():
        raise PromptError(f"there is no prompt {name!r}")
    return Prompt.parse(name, file.read_text(encoding="utf-8"))
