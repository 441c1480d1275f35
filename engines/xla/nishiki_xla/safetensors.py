"""safetensors files, as Nishiki writes them: a length, a JSON header, the tensors' bytes."""

from __future__ import annotations

import json
import os
import struct
import zlib
from typing import Mapping

import numpy as np

_types = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "I8": np.int8}
_names = {np.dtype(value): key for key, value in _types.items()}


def decode(data: bytes | memoryview, source: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors and the metadata of a file's bytes."""
    if len(data) < 8:
        raise ValueError(f"{source} is no safetensors file: it has {len(data)} bytes.")
    (length,) = struct.unpack("<Q", data[:8])
    if length > len(data) - 8:
        raise ValueError(f"{source} is no safetensors file, or was cut short.")
    header = json.loads(bytes(data[8 : 8 + length]))
    metadata = header.pop("__metadata__", {})
    body = memoryview(data)[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in _types:
            raise ValueError(f'{source}: "{name}" is of type {entry["dtype"]}, which training does not use.')
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(body[start:end], _types[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def read(path: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with open(path, "rb") as file:
        return decode(file.read(), path)


def write(path: str, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Replaces a file as a whole: one that is killed leaves the old one."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, value in tensors.items():
        header[name] = {
            "dtype": _names[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [offset, offset + value.nbytes],
        }
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value).tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def checksum(tensors: Mapping[str, np.ndarray]) -> str:
    """CRC-32 of names and bytes in the order of names, as checkpoints carry it."""
    value = 0
    for name in sorted(tensors):
        value = zlib.crc32(np.ascontiguousarray(tensors[name]).tobytes(), zlib.crc32(name.encode(), value))
    return f"{value:08x}"
