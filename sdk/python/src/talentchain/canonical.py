"""Canonical protobuf (docs/protocol.md, "Encoding"), read without a protobuf library.

A message is a table: field number -> (name, type). A type is "uint32", "uint64", "bool", "enum", "bytes", "string" or
another table; in a list of one it is repeated. What `decode` accepts has one encoding, so nothing is re-encoded.
"""

from __future__ import annotations

from typing import Any

Table = dict[int, tuple[str, Any]]
Fields = dict[str, Any]

_DEFAULTS: Fields = {"uint32": 0, "uint64": 0, "enum": 0, "bool": False, "bytes": b"", "string": ""}


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if at + i >= len(data):
            raise ValueError("cut short")
        byte = data[at + i]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            if (i and not byte) or value >= 1 << 64:
                raise ValueError("not the shortest varint")
            return value, at + i + 1
    raise ValueError("varint of more than ten bytes")


def _fits(kind: str, value: int) -> bool:
    if kind == "uint64":
        return True
    if kind == "uint32":
        return value < 1 << 32
    if kind == "bool":
        return value < 2
    return value < 1 << 31 or value >= (1 << 64) - (1 << 31)


def _read_number(kind: str, data: bytes, at: int, zero: bool = False) -> tuple[int | bool, int]:
    value, at = _read_varint(data, at)
    if not _fits(kind, value) or not (value or zero):
        raise ValueError(f"{value} cannot stand for {kind}")
    return (bool(value) if kind == "bool" else value), at


def _read_packed(kind: str, name: str, data: bytes) -> list[int | bool]:
    if not data:
        raise ValueError(f"{name} is present and empty")
    out, at = [], 0
    while at < len(data):
        value, at = _read_number(kind, data, at, zero=True)
        out.append(value)
    return out


def _read_value(kind: Any, name: str, repeated: bool, value: bytes) -> Any:
    if isinstance(kind, dict):
        return decode(kind, value)
    if not value and not repeated:
        raise ValueError(f"{name} is present and empty")
    return value.decode() if kind == "string" else value


def decode(table: Table, data: bytes) -> Fields:
    """The fields of a message by name; absent ones have their default, absent submessages None.

    Raises ValueError where `data` is not canonical.
    """
    out: Fields = {
        name: [] if isinstance(kind, list) else None if isinstance(kind, dict) else _DEFAULTS[kind]
        for name, kind in table.values()
    }
    at, last = 0, 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire = key >> 3, key & 7
        if number not in table:
            raise ValueError(f"unknown field {number}")
        name, kind = table[number]
        repeated = isinstance(kind, list)
        kind = kind[0] if repeated else kind
        is_number = kind in ("uint32", "uint64", "enum", "bool")
        if number < last or (number == last and (not repeated or is_number)):
            raise ValueError(f"{name} stands out of order or twice")
        last = number
        if wire != (0 if is_number and not repeated else 2):
            raise ValueError(f"{name} has wire type {wire}")
        if wire == 0:
            out[name], at = _read_number(kind, data, at)
            continue
        size, at = _read_varint(data, at)
        value, at = data[at : at + size], at + size
        if at > len(data):
            raise ValueError("cut short")
        if is_number:
            out[name] = _read_packed(kind, name, value)
        elif repeated:
            out[name].append(_read_value(kind, name, True, value))
        else:
            out[name] = _read_value(kind, name, False, value)
    return out


def empty(table: Table) -> Fields:
    """The message of no bytes."""
    return decode(table, b"")
