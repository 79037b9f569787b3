"""First contact: which record of one side is which of the other, decided without I/O and without training.

Invariant: never two automatic links to one record, and every candidate carries its evidence in words.
"""

from qb_pipeline.sync.matching.documents import match_documents
from qb_pipeline.sync.matching.model import Candidate, Document, MatchClass, Named, Party
from qb_pipeline.sync.matching.names import match_names
from qb_pipeline.sync.matching.party import match_parties
from qb_pipeline.sync.matching.records import candidates

__all__ = [
    "Candidate",
    "Document",
    "MatchClass",
    "Named",
    "Party",
    "candidates",
    "match_documents",
    "match_names",
    "match_parties",
]
