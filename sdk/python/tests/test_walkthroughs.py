"""The documents, run to the letter. Late in the order of files: they run beside the tests before."""

from __future__ import annotations

import pytest

from conftest import DOCUMENTS, WITHIN, Devnet


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_of_a_document_works(document: str, devnet: Devnet) -> None:
    said, _ = devnet.documents[document].communicate(timeout=2 * WITHIN)
    assert devnet.documents[document].returncode == 0, said
    assert "VERIFIED" in said or "enterprise" in document
    assert "+0 (+1 waiting) a confirmation that stands" in said
