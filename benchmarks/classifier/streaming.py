"""``tnt classify`` from file to file on a million short texts: speed, memory, and what it costs beside the classifier.

    python -m benchmarks.classifier.streaming --out DIR [--rows N] [--workers N] [--times-ten]

The texts are banking77's with noise (words left out, doubled, swapped, misspelt, put before or behind), all different.
The classifier is ``static+tfidf`` with the head ``linear``, trained on banking77's gold labels. Three things are done
in turn: `tnt classify` from Parquet to Parquet in a process of its own; the same once more, the better of the two
counts; and the same number of processes that hold their share of the texts in memory, and encode and predict it with
the same classifier. Memory is that of `tnt classify` and its workers: the sum of their peak RSS, which counts shared
pages once for each, and the greatest sum of their PSS, which counts them once in all.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.classifier.gold_data import banking77
from benchmarks.classifier.results import Options, Row, table
from benchmarks.classifier.student import FAST, train

ROWS = 1_000_000
QUICK_ROWS = 60_000
BAR_SPEED, BAR_MEMORY, BAR_OVERHEAD = 20_000, 1.5, 0.15
_EVERY = 0.25
_BLOCK = 50_000
_BEFORE = ("hi", "hello", "please", "sorry", "ok so", "quick question", "hey there", "good morning", "urgent")
_BEHIND = ("thanks", "please", "help", "asap", "any idea", "cheers", "today", "again", "thank you", "why")


def measure(options: Options) -> list[Row]:
    """The rows for the table of bars."""
    return run(options, rows=QUICK_ROWS if options.quick else ROWS, workers=_cores())


def run(options: Options, *, rows: int, workers: int, tenfold: bool = False) -> list[Row]:
    """Measure `rows` texts; `tenfold` also ten times as many."""
    options.out.mkdir(parents=True, exist_ok=True)
    bundle = _bundle(options)
    source = _texts(options, rows)
    first, second = (_classify(source, bundle, options.out, workers) for _ in range(2))
    best = min(first, second, key=lambda one: one.seconds)
    plain = _plain(source, bundle, workers)
    found = _rows(best, plain, rows, workers)
    if tenfold:
        large = _classify(_texts(options, 10 * rows), bundle, options.out, workers)
        found.append(_growth(best, large, rows))
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `tnt classify`: wall and CPU seconds with its start; the greatest sums of memory, in bytes."""

    seconds: float
    cpu: float
    rss: int
    pss: int
    said: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Encoding and predicting alone.

    Attributes:
        seconds: wall time from a common start, when all processes are loaded and hold their texts.
        cpu: CPU seconds of all, for the same.
        loading: wall seconds that loading took at most.
    """

    seconds: float
    cpu: float
    loading: float


def _rows(call: Call, plain: Plain, rows: int, workers: int) -> list[Row]:
    speed, gigabytes = rows / call.seconds, call.rss / 1e9
    work = plain.seconds
    overhead = call.seconds / work - 1
    without_start = (call.seconds - plain.loading) / work - 1
    details: dict[str, Any] = {
        "rows": rows,
        "workers": workers,
        "classify_seconds": call.seconds,
        "classify_cpu_seconds": call.cpu,
        "encode_and_predict_seconds": work,
        "encode_and_predict_cpu_seconds": plain.cpu,
        "loading_seconds": plain.loading,
        "overhead": overhead,
        "overhead_without_loading": without_start,
        "peak_rss_bytes": call.rss,
        "peak_pss_bytes": call.pss,
        "said": call.said,
    }
    what = f"tnt classify, {rows:,} texts, static+tfidf/linear, {workers} processes"
    return [
        Row(
            what,
            f">= {BAR_SPEED:,} docs/s",
            f"{speed:,.0f} docs/s ({call.seconds:.1f} s)",
            speed >= BAR_SPEED,
            details,
        ),
        Row(
            f"{what}: sum of peak memory",
            f"< {BAR_MEMORY} GB",
            f"{gigabytes:.2f} GB RSS, {call.pss / 1e9:.2f} GB PSS",
            gigabytes < BAR_MEMORY,
        ),
        Row(
            f"{what}: over encode + predict alone ({work:.1f} s)",
            f"<= {BAR_OVERHEAD:.0%}",
            f"{overhead:+.1%} ({without_start:+.1%} without {plain.loading:.1f} s of loading; "
            f"CPU seconds {call.cpu / plain.cpu - 1:+.1%})",
            overhead <= BAR_OVERHEAD,
        ),
    ]


def _growth(small: Call, large: Call, rows: int) -> Row:
    longer, more = large.seconds / small.seconds, large.rss / small.rss
    return Row(
        f"tnt classify, {10 * rows:,} texts in place of {rows:,}",
        "10 times the time (+10 %), the same memory (+10 %)",
        f"{longer:.1f} times the time, {more:.2f} times the memory ({large.rss / 1e9:.2f} GB RSS)",
        longer <= 11 and more <= 1.1,
        {"seconds": large.seconds, "rss": large.rss, "pss": large.pss},
    )


# --- what is measured ---


def _classify(source: Path, bundle: Path, folder: Path, workers: int) -> Call:
    """`tnt classify`, watched."""
    out = folder / "labels.parquet"
    command = [sys.executable, "-m", "tnt_llm", "classify", str(source), "-c", str(bundle), "-o", str(out)]
    command += ["--workers", str(workers), "--restart"]
    began, used = time.monotonic(), _cpu()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    memory = _Memory(process)
    watcher = threading.Thread(target=memory.watch)
    watcher.start()
    said = process.communicate()[0].strip()
    seconds = time.monotonic() - began
    watcher.join()
    if process.returncode:
        sys.exit(f"tnt classify ended with {process.returncode}")
    return Call(seconds, _cpu() - used, sum(memory.peaks.values()), memory.pss, said)


class _Memory:
    """The memory of a process and its descendants.

    Attributes:
        peaks: peak RSS of each, by process id, as the kernel keeps it.
        pss: greatest sum of PSS at one time.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.peaks: dict[int, int] = {}
        self.pss = 0

    def watch(self) -> None:
        """Look until the process has ended."""
        while self._process.poll() is None:
            family = list(_family(self._process.pid))
            for pid in family:
                self.peaks[pid] = max(self.peaks.get(pid, 0), _field(pid, "status", "VmHWM:"))
            self.pss = max(self.pss, sum(_field(pid, "smaps_rollup", "Pss:") for pid in family))
            time.sleep(_EVERY)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        threads = [child.read_text().split() for child in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in (child for children in threads for child in children):
        yield from _family(int(child))


def _field(pid: int, file: str, name: str) -> int:
    """Bytes that a file of /proc tells, 0 where the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


_SHARE = """
import sys, time
from pyarrow import parquet
from tnt_llm.classifiers.classifier import Classifier
source, bundle, share, of = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
texts = parquet.read_table(source, columns=["text"]).column(0).to_pylist()
texts = texts[len(texts) * share // of : len(texts) * (share + 1) // of]
began = time.monotonic()
classifier = Classifier.load(bundle)
classifier.predict_many(["ready"])
print(time.monotonic() - began, flush=True)
sys.stdin.readline()
began = time.process_time()
for start in range(0, len(texts), 4096):
    classifier.predict_features(classifier.representation.encode(texts[start : start + 4096]))
print("done", flush=True)
print(time.process_time() - began, flush=True)
"""


def _plain(source: Path, bundle: Path, workers: int) -> Plain:
    """The same number of processes, each with its share of the texts in memory."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "RAYON")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _SHARE, str(source), str(bundle), str(share), str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | threads,
        )
        for share in range(workers)
    ]
    loading = [float(_line(process)) for process in processes]
    began = time.monotonic()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _line(process)
    seconds = time.monotonic() - began
    cpu = sum(float(_line(process)) for process in processes)
    for process in processes:
        process.communicate()
    return Plain(seconds, cpu, max(loading))


def _cpu() -> float:
    """CPU seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


# --- what is measured on ---


def _bundle(options: Options) -> Path:
    """The classifier, trained once."""
    from tnt_llm.classifiers.bundle import MANIFEST

    folder = options.out / "streaming-classifier"
    if not (folder / MANIFEST).exists():
        gold = banking77(options)
        train(options, gold.texts, gold.labels, *FAST).save(folder)
    return folder


def _texts(options: Options, rows: int) -> Path:
    """A Parquet file of so many different texts, made once."""
    import pyarrow as pa
    from pyarrow import parquet

    path = options.out / f"streaming-{rows}.parquet"
    if path.exists():
        return path
    gold = banking77(options)
    texts = [*gold.texts, *gold.test_texts]
    schema = pa.schema({"id": pa.string(), "text": pa.string()})
    temporary = path.with_suffix(".making")
    with parquet.ParquetWriter(temporary, schema) as writer:
        made = _noisy(texts, rows)
        for start in range(0, rows, _BLOCK):
            block = [next(made) for _ in range(min(_BLOCK, rows - start))]
            ids = [f"t{number}" for number in range(start, start + len(block))]
            writer.write_table(pa.table({"id": ids, "text": block}, schema=schema))
    temporary.rename(path)
    return path


def _noisy(texts: list[str], rows: int) -> Iterator[str]:
    """That many different texts."""
    draw = random.Random(77)
    seen: set[int] = set()
    while len(seen) < rows:
        words = draw.choice(texts).split()
        for _ in range(draw.randint(1, 3)):
            words = _change(words, draw)
        text = " ".join(words)
        if text and hash(text) not in seen:
            seen.add(hash(text))
            yield text


def _change(words: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(words)) if words else 0
    match draw.randrange(6):
        case 0:
            return words[:at] + words[at + 1 :] if len(words) > 3 else words
        case 1:
            return words[: at + 1] + words[at:]
        case 2:
            return words[:at] + words[at : at + 2][::-1] + words[at + 2 :]
        case 3:
            return [draw.choice(_BEFORE), *words]
        case 4:
            return [*words, draw.choice(_BEHIND)]
        case _:
            return words[:at] + [_misspelt(word, draw) for word in words[at : at + 1]] + words[at + 1 :]


def _misspelt(word: str, draw: random.Random) -> str:
    if len(word) < 4:
        return word
    at = draw.randrange(1, len(word) - 1)
    return (
        word[:at]
        + draw.choice((word[at + 1] + word[at], word[at] * 2 + word[at + 1], word[at + 1]))
        + word[at + 2 :]
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def main() -> None:
    """Measure with numbers of one's own."""
    from benchmarks.classifier.measure import DATA

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.classifier.streaming",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("bench") / "classifier")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--workers", type=int, default=_cores())
    parser.add_argument("--times-ten", action="store_true", help="ten times the rows too")
    given = parser.parse_args()
    options = Options(given.data, given.out)
    found = run(options, rows=given.rows, workers=given.workers, tenfold=given.times_ten)
    print(table(found))
    print(json.dumps([row.details for row in found if row.details], indent=2))


if __name__ == "__main__":
    main()
