"""Read one document: bytes come in, JSON goes out, and the process ends.

Usage: python -m outgate.documents.process KIND CHARACTERS MEMORY SECONDS
"""

import os
import sys

import orjson

from outgate.documents.confine import UnconfinedError, bound, seal
from outgate.documents.extract import UnreadableError, reader_of, text_of


def main(kind: str, characters: int, memory: int, seconds: int) -> None:
    """Answers `{"text": …}` or `{"error": …}`; whatever else happens, nobody has read anything."""
    data = sys.stdin.buffer.read()
    try:
        read = reader_of(kind)
        bound(memory, seconds)
        seal()
        answer = {"text": text_of(read, data, characters).encode("utf-8", "replace").decode()}
    except UnreadableError as error:
        answer = {"error": str(error)}
    except UnconfinedError:
        answer = {"error": "unconfined"}
    except BaseException:
        answer = {"error": "damaged"}
    written = orjson.dumps(answer)
    while written:
        written = written[os.write(1, written) :]
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
