"""First contact: which record of one side is which of the other, decided without I/O and without training.

Invariant: never two automatic links to one record, and every candidate carries its evidence in words.
"""

from qb_pipeline.sync.matching.documents import duplicate_documents, match_documents
from qb_pipeline.sync.matching.model import Candidate, Document, MatchClass, Named, Pair, Party
from qb_pipeline.sync.matching.names import duplicate_names, match_names
from qb_pipeline.sync.matching.party import duplicate_parties, match_parties
from qb_pipeline.sync.matching.records import candidates, duplicates

__all__ = [
    "Candidate",
    "Document",
    "MatchClass",
    "Named",
    "Pair",
    "Party",
    "candidates",
    "duplicate_documents",
    "duplicate_names",
    "duplicate_parties",
    "duplicates",
    "match_documents",
    "match_names",
    "match_parties",
]
