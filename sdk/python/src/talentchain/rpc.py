"""One node over gRPC: calls, errors, login. `Client` decides which node to ask, and when again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from ._pb.talent.node.v1 import node_service_pb2 as pb
from ._pb.talent.node.v1 import rpc_status_pb2 as status_pb
from .errors import BY_REASON, Expired, NodeError, Unauthenticated, Unauthorized
from .keys import Key

R = TypeVar("R", bound=Message)

_DOMAIN = "talentchain"
_MAX_ANSWER_BYTES = 64 << 20  # a block with its payloads has at most 14 MiB, a proof may have more
# The server cuts off who pings more often than every 10 s. Finds nodes that vanished without a word.
_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_ANSWER_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
]
# For a status that carries none of the project's reasons: gRPC made it.
_NEAREST = {
    "INVALID_ARGUMENT": "INVALID_ARGUMENT",
    "OUT_OF_RANGE": "INVALID_ARGUMENT",
    "UNIMPLEMENTED": "INVALID_ARGUMENT",
    "UNAUTHENTICATED": "UNAUTHORIZED",
    "PERMISSION_DENIED": "UNAUTHORIZED",
    "NOT_FOUND": "NOT_FOUND",
    "ALREADY_EXISTS": "DUPLICATE",
    "FAILED_PRECONDITION": "PRECONDITION",
    "RESOURCE_EXHAUSTED": "TOO_LARGE",  # "Received message larger than max"
    "DATA_LOSS": "CORRUPTION",
    "UNAVAILABLE": "UNAVAILABLE",
    "DEADLINE_EXCEEDED": "UNAVAILABLE",
    "CANCELLED": "UNAVAILABLE",
    "ABORTED": "UNAVAILABLE",
}


@dataclass(frozen=True)
class Endpoint:
    """A node's gRPC server: "host:port", and the certificate (PEM) that is pinned: `grpc.crt` of the node."""

    address: str
    certificate: bytes


def error_of(status: status_pb.RpcStatus, nearest: str, node: str) -> NodeError:
    """The exception that a `google.rpc.Status` stands for."""
    reason, retry_after = "", None
    for detail in status.details:
        try:
            if detail.type_url.endswith("/google.rpc.ErrorInfo"):
                info = status_pb.RpcErrorInfo.FromString(detail.value)
                reason = info.reason if info.domain == _DOMAIN else ""
            elif detail.type_url.endswith("/google.rpc.RetryInfo"):
                retry = status_pb.RpcRetryInfo.FromString(detail.value).retry_delay
                retry_after = retry.seconds + retry.nanos / 1e9
        except DecodeError:
            continue  # then the gRPC code has to do
    reason = reason or _NEAREST.get(nearest, "INTERNAL")
    kind = BY_REASON.get(reason, NodeError)
    if nearest == "UNAUTHENTICATED" and kind in (Unauthorized, Expired):
        kind = Unauthenticated
    return kind(status.message, reason=reason, node=node, retry_after=retry_after)


def error_from_call(error: grpc.RpcError, node: str) -> NodeError:
    """The exception for a failed call."""
    if not isinstance(error, grpc.Call):
        return NodeError(str(error), node=node)
    code = error.code().name
    status = status_pb.RpcStatus(message=error.details() or code)
    trailer: Any
    for trailer in error.trailing_metadata() or ():
        name, value = trailer
        if name == "grpc-status-details-bin":
            try:
                status = status_pb.RpcStatus.FromString(value)
            except DecodeError:
                continue
    return error_of(status, code, node)


class Stream:
    """The answers of a streaming call. `cancel` may be called by any thread."""

    def __init__(self, call: Any, node: str) -> None:
        self._call = call
        self._node = node

    def __iter__(self) -> Iterator[pb.StreamBlocksResponse]:
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise error_from_call(error, self._node) from None

    def cancel(self) -> None:
        """Ends the call."""
        self._call.cancel()


class Node:
    """A connection to one node. Thread-safe."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.address = endpoint.address
        credentials = grpc.ssl_channel_credentials(root_certificates=endpoint.certificate)
        self._channel = grpc.secure_channel(endpoint.address, credentials, options=_OPTIONS)
        self._lock = threading.Lock()
        self._tokens: dict[tuple[bytes, bytes], str] = {}  # by chain and key; a node's tokens are its own

    def close(self) -> None:
        """Ends all calls."""
        self._channel.close()

    def call(self, method: str, request: Message, answer: type[R], timeout: float, token: str | None = None) -> R:
        """One call of "Service/Method". Raises NodeError."""
        return self._call(method, request, answer, timeout, token)[0]

    def call_fresh(
        self, method: str, request: Message, answer: type[R], timeout: float, token: str | None
    ) -> tuple[R, bool]:
        """As `call`, and whether the chain is halted on this node, which goes on answering."""
        return self._call(method, request, answer, timeout, token)

    def _call(
        self, method: str, request: Message, answer: type[R], timeout: float, token: str | None
    ) -> tuple[R, bool]:
        stub: Any = self._channel.unary_unary(
            f"/talent.node.v1.{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        try:
            response, call = stub.with_call(request, timeout=timeout, metadata=_metadata(token))
        except grpc.RpcError as error:
            raise error_from_call(error, self.address) from None
        stale = any(name == "talent-stale" for name, _ in call.trailing_metadata() or ())
        return response, stale

    def stream_blocks(self, chain: bytes, from_height: int, timeout: float, token: str | None) -> Stream:
        """Sealed blocks from a height on, for `timeout` seconds."""
        stub: Any = self._channel.unary_stream(
            "/talent.node.v1.Ledger/StreamBlocks",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=pb.StreamBlocksResponse.FromString,
        )
        request = pb.StreamBlocksRequest(chain_id=chain, from_height=from_height)
        return Stream(stub(request, timeout=timeout, metadata=_metadata(token)), self.address)

    def token(self, chain: bytes, key: Key, timeout: float) -> str:
        """A bearer token of this node, by challenge and response where there is none yet. Raises NodeError."""
        with self._lock:
            known = self._tokens.get((chain, key.public))
        if known is not None:
            return known
        ask = pb.GetChallengeRequest(chain_id=chain, public_key=key.public)
        challenge = self.call("Auth/GetChallenge", ask, pb.GetChallengeResponse, timeout).challenge
        login = pb.LoginRequest(
            chain_id=chain,
            public_key=key.public,
            challenge=challenge,
            signature=key.sign("talent/sign/client-auth/v1", chain, challenge),
        )
        token = self.call("Auth/Login", login, pb.LoginResponse, timeout).token
        with self._lock:
            self._tokens[(chain, key.public)] = token
        return token

    def forget_token(self, chain: bytes, key: Key) -> None:
        """After the node has refused it: it ended, or the node was restarted."""
        with self._lock:
            self._tokens.pop((chain, key.public), None)


def _metadata(token: str | None) -> tuple[tuple[str, str], ...]:
    return () if token is None else (("authorization", f"Bearer {token}"),)
