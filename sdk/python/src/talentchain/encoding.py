"""Messages to canonical bytes and back. What protobuf's own library makes is checked, not believed."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from . import messages
from .canonical import Table, decode
from .errors import NotCanonical

M = TypeVar("M", bound=Message)

_TYPES = {
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
    FieldDescriptor.TYPE_SINT64: "uint64",  # zigzag: any 64 bits
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_ENUM: "enum",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_STRING: "string",
}
_tables: dict[str, Table] = {}


def _table(descriptor: Any) -> Table:
    known = _tables.get(descriptor.full_name)
    if known is not None:
        return known
    table: Table = {}
    _tables[descriptor.full_name] = table
    for field in descriptor.fields:
        kind = _table(field.message_type) if field.message_type is not None else _TYPES[field.type]
        table[field.number] = (field.name, [kind] if field.is_repeated else kind)
    return table


def encode(message: Message) -> bytes:
    """The canonical bytes of `message`. Raises NotCanonical: it holds fields that this package does not know."""
    data = message.SerializeToString(deterministic=True)
    _check(type(message), data)
    return data


def decode_as(kind: type[M], data: bytes) -> M:
    """The message of canonical bytes. Raises NotCanonical."""
    _check(kind, data)
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise NotCanonical(f"{kind.__name__}: {error}") from None
    return message


def _check(kind: type[Message], data: bytes) -> None:
    try:
        decode(_table(kind.DESCRIPTOR), data)
    except ValueError as error:
        raise NotCanonical(f"{kind.__name__}: {error}") from None


def kind_of(name: str) -> type[Message] | None:
    """The message of a transaction's kind; None where this package knows none."""
    found = getattr(messages, name, None)
    return found if isinstance(found, type) and issubclass(found, Message) else None
