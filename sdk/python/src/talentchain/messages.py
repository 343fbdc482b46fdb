"""The messages of transactions and state, by name: `messages.AbilityAssessed`, `messages.ConsortiumRecord`.

Made from proto/talent/ledger and proto/talent/tiers when the package is built; docs/domain.md says what they mean.
"""

from __future__ import annotations

from ._pb.talent.ledger.v1.erasure_pb2 import *
from ._pb.talent.ledger.v1.ledger_pb2 import *
from ._pb.talent.tiers.v1.career_pb2 import *
from ._pb.talent.tiers.v1.common_pb2 import *
from ._pb.talent.tiers.v1.consortium_pb2 import *
from ._pb.talent.tiers.v1.contest_pb2 import *
from ._pb.talent.tiers.v1.erasure_pb2 import *
from ._pb.talent.tiers.v1.governance_pb2 import *
from ._pb.talent.tiers.v1.private_pb2 import *
from ._pb.talent.tiers.v1.public_pb2 import *
