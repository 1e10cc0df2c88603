"""The LLM as the rest of the program sees it: questions in, committed answers out."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from ..taxonomy.errors import AnswerError, CallError, EndpointError, ModelError
from .answer import Answer, Usage
from .budget import Budget
from .calling import Caller, TransportError
from .faults import shorten
from .repair import repair_request
from .request import Request
from .spec import ModelSpec, Prices
from .store import AnswerStore, total
from .structured import Method, bare_object, passes_probe, probe_request
from .wire import LangChainWire, Wire

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_log = logging.getLogger(__name__)

T = TypeVar("T")
F = TypeVar("F", bound=ModelError)

ENDPOINT_CONCURRENCY = 8
EMBEDDED_CONCURRENCY = 4


class Chat:
    """A chat model with a store of answers, a ledger, a budget and bounded concurrency.

    Made by `Chat.open` or `Chat.over`; a context manager. All methods may be called from several threads.

    Attributes:
        id: the model's name in cache keys: no host, no port, no secret.
        where: the endpoint, for people.
        concurrency: the most calls in flight at once, however many threads ask.
        is_embedded: whether the model runs on this machine as a child of this process.
        store: where the answers are kept.
    """

    def __init__(
        self,
        wire: Wire,
        store: AnswerStore,
        *,
        budget: Budget,
        stop: threading.Event | None,
        concurrency: int,
        retries: int,
        backoff: float,
        is_embedded: bool,
        method: Method | None,
    ) -> None:
        self.id = wire.id
        self.where = wire.where
        self.concurrency = concurrency
        self.is_embedded = is_embedded
        self.store = store
        self._wire = wire
        self._caller = Caller(wire, retries=retries, backoff=backoff, stop=stop or threading.Event())
        self._prober = Caller(wire, retries=min(1, retries), backoff=backoff, stop=stop or threading.Event())
        self._budget = budget
        self._spent = total(store.usage()) if budget.is_limited else Usage()
        self._method = method
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._slots = threading.BoundedSemaphore(concurrency)

    @classmethod
    def open(
        cls,
        spec: ModelSpec,
        store: AnswerStore,
        *,
        budget: Budget | None = None,
        stop: threading.Event | None = None,
        concurrency: int | None = None,
        timeout: float | None = None,
        retries: int = 4,
        backoff: float = 1.0,
    ) -> Self:
        """The model that a spec names; the embedded server is started when it is needed.

        Args:
            spec: from `choose_model`.
            store: answers are looked up there first and committed there as they arrive.
            budget: checked before each call.
            stop: when set, no further call is made and waiting ends.
            concurrency: the most calls in flight; None for 4 with the embedded model, else 8.
            timeout: seconds a call may take; None for 120, or 1200 for the embedded model, whose
                long prompts are slow on few cores.
            retries: how often a call is tried again.
            backoff: seconds before the first retry; doubled each time.

        Raises:
            MissingPartError: a package or the weights are not installed.
            EndpointError: the endpoint cannot say which models it has, or the embedded server does not start.
            SettingsError: the spec makes no sense there.
        """
        from .opening import open_wire

        seconds = timeout or (1200.0 if spec.is_embedded else 120.0)
        return cls(
            open_wire(spec, timeout=seconds),
            store,
            budget=budget or Budget(),
            stop=stop,
            concurrency=concurrency or (EMBEDDED_CONCURRENCY if spec.is_embedded else ENDPOINT_CONCURRENCY),
            retries=retries,
            backoff=backoff,
            is_embedded=spec.is_embedded,
            method=Method.JSON_SCHEMA if spec.is_embedded else None,
        )

    @classmethod
    def over(
        cls,
        model: "BaseChatModel",
        store: AnswerStore,
        *,
        id: str,  # noqa: A002 - the name it has everywhere
        budget: Budget | None = None,
        stop: threading.Event | None = None,
        concurrency: int = 4,
        retries: int = 4,
        backoff: float = 1.0,
        method: Method | None = Method.JSON_SCHEMA,
        prices: Prices | None = None,
    ) -> Self:
        """A LangChain chat model that the caller made, and closes.

        Args:
            model: any chat model.
            store: as in `open`, like the arguments that are not named here.
            id: name for cache keys.
            method: how the model is asked for objects; None to find out by asking.
            prices: to turn tokens into money.
        """
        return cls(
            LangChainWire(model, id=id, prices=prices),
            store,
            budget=budget or Budget(),
            stop=stop,
            concurrency=concurrency,
            retries=retries,
            backoff=backoff,
            is_embedded=False,
            method=method,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections, and the embedded server when nobody else in this process uses it."""
        self._wire.close()

    def ask(self, request: Request) -> Answer:
        """The answer to a request: from the store, else from the model and then in the store.

        Raises:
            BudgetReached: the budget is spent.
            Stopped: a stop was asked for.
            EndpointError: no call can succeed.
            CallError: this one did not.
        """
        key = request.key(self.id)
        answer = self._kept(key)
        if answer is None:
            method = Method.PROMPT if request.schema is None else self.method
            # Trials ask side by side, each through a pool of its own. A call holds its place until its answer is
            # committed, so that a kill repeats no more calls than there are places.
            with self._slots:
                self._check()
                answer = self._commit(key, request.stage, self._caller.call(request, method))
        if answer.finish_reason == "content_filter":
            raise CallError(f"{self.where} filtered the answer (content filter).")
        if not answer.text.strip():
            raise CallError(f"{self.where} answered with nothing (finish reason: {answer.finish_reason}).")
        return answer

    def parse(self, request: Request, parser: Callable[[str], T]) -> T:
        """What `parser` makes of the answer; a bad answer is shown to the model once, with what is wrong.

        Args:
            request: what to ask.
            parser: raises ValueError (pydantic's ValidationError is one) on a bad answer.

        Raises:
            AnswerError: the second answer is bad too; holds it raw.
            BudgetReached, Stopped, EndpointError, CallError: as `ask`.
        """
        answer = self.ask(request)
        try:
            return _read(request, answer, parser)
        except ValueError as error:
            _log.info("%s: unreadable answer, asking once more: %s", request.stage, shorten(str(error)))
            repair = repair_request(request, answer, error)
        second = self.ask(repair)
        try:
            return _read(repair, second, parser)
        except ValueError as error:
            raise AnswerError(
                f"The answer of {self.id} at {request.stage} could not be read, nor its correction: "
                f"{shorten(str(error))}",
                raw=second.text,
            ) from error

    def ask_all(self, requests: Sequence[Request]) -> Iterator[tuple[int, Answer | CallError]]:
        """Ask many at once; yields (position in `requests`, answer or what went wrong) as they arrive.

        Each answer is in the store before it is yielded. Equal requests are asked once.

        Raises:
            BudgetReached, Stopped, EndpointError: no further call is begun; calls in flight have been
                finished, committed and yielded.
        """
        return self._all(requests, self.ask, CallError)

    def parse_all(
        self, requests: Sequence[Request], parser: Callable[[str], T]
    ) -> Iterator[tuple[int, T | CallError | AnswerError]]:
        """As `ask_all`, with `parse` for each: yields (position, value or CallError or AnswerError)."""
        faults: tuple[type[CallError | AnswerError], ...] = (CallError, AnswerError)
        return self._all(requests, lambda request: self.parse(request, parser), faults)

    @property
    def method(self) -> Method:
        """How this endpoint is asked for an object; found out by asking, once, and kept in the store.

        Raises:
            EndpointError: the endpoint does not work at all.
        """
        with self._probing:
            if self._method is None:
                self._method = self._probe()
            return self._method

    def _probe(self) -> Method:
        """The strictest method that gives back the object that was asked for."""
        request = probe_request()
        key = request.key(f"{self.id} structured answers")
        kept = self._kept(key)
        if kept is not None:
            return Method(kept.text)
        spent = Usage()
        for method in (Method.JSON_SCHEMA, Method.FUNCTION_CALLING, Method.JSON_MODE):
            self._check()
            try:
                answer = self._prober.call(request, method)
            except CallError as error:
                _log.info("%s does not do %s: %s", self.where, method, error)
                continue
            spent += answer.usage
            if passes_probe(answer.text):
                found = method
                break
        else:
            found = Method.PROMPT
            try:  # also tells an endpoint that has no such methods from one that does not work
                spent += self._caller.call(request, found).usage
            except CallError as error:
                raise EndpointError(f"{self.where} cannot be asked anything: {error}") from error
        _log.info("%s is asked for objects by %s", self.where, found)
        self._commit(key, request.stage, Answer(found.value, usage=spent))
        return found

    def _kept(self, key: str) -> Answer | None:
        """The answer in the store, if there is one that can be read."""
        payload = self.store.get(key)
        return None if payload is None else Answer.from_json(payload)

    def _check(self) -> None:
        """Raise when no further call may be made."""
        self._caller.check_stop()
        if self._budget.is_limited:
            with self._lock:
                self._budget.check(self._spent)

    def _commit(self, key: str, stage: str, answer: Answer) -> Answer:
        """Put an answer in the store, and on the bill."""
        usage = answer.usage
        self.store.put(
            key,
            answer.to_json(),
            model=self.id,
            stage=stage,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            seconds=usage.seconds,
            cost=usage.cost,
        )
        with self._lock:
            self._spent += usage
        return answer

    def _all(
        self, requests: Sequence[Request], work: Callable[[Request], T], faults: type[F] | tuple[type[F], ...]
    ) -> Iterator[tuple[int, T | F]]:
        """`work` for every request on a bounded pool; `faults` are results, anything else ends it.

        A transport error is held back until another call has succeeded: if the endpoint turns out to be down,
        the request has not failed, it is simply unfinished, and a resumed run asks again.
        """
        places: dict[str, list[int]] = {}
        for position, request in enumerate(requests):
            places.setdefault(request.key(self.id), []).append(position)
        waiting = iter(places.values())
        running: dict[Future[T], list[int]] = {}
        held: list[tuple[int, F]] = []
        fatal: BaseException | None = None
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="tnt-llm") as pool:
            while True:
                room = self.concurrency - len(running) if fatal is None else 0
                for positions in islice(waiting, room):
                    running[pool.submit(work, requests[positions[0]])] = positions
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    positions = running.pop(future)
                    error = future.exception()
                    if error is None:
                        yield from held
                        held = []
                        yield from ((position, future.result()) for position in positions)
                    elif isinstance(error, faults):
                        failed = [(position, error) for position in positions]
                        if isinstance(error, TransportError):
                            held += failed
                        else:
                            yield from failed
                    elif fatal is None:
                        fatal = error
        if fatal is not None:
            raise fatal
        yield from held


def _read(request: Request, answer: Answer, parser: Callable[[str], T]) -> T:
    """`parser` on the answer; a cut object is not given to it, since some parsers mend what they get."""
    if request.schema is not None and answer.was_cut:
        raise ValueError(f"the answer was cut at {request.max_tokens} tokens before it was complete")
    return parser(answer.text if request.schema is None else bare_object(answer.text))
