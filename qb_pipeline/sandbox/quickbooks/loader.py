"""`--data DIR`: recorded objects into a company, exactly as they are.

Invariant: what was loaded reads back equal, with its ids, tokens and times; new ids continue after the highest loaded.
"""

from pathlib import Path

from qb_pipeline.sandbox.kernel.errors import DataError
from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.registry import BY_ADDRESS, sequence_of
from qb_pipeline.sandbox.quickbooks.entities.transaction import NUMBERED_TOGETHER, NUMBERS
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, loads
from qb_pipeline.sandbox.quickbooks.rows import LARGEST_NUM

KNOWN = frozenset(BY_ADDRESS.values())


def load(company: Company, folder: Path) -> dict[str, int]:
    """Load every `<Entity>.jsonl`; returns the number of objects per entity.

    DataError names the file, the line, and what is wrong; nothing is stored then, because the caller rolls back.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; name one with recorded QBO objects")
    files = sorted(path for path in folder.glob("*.jsonl") if not path.name.endswith(".provenance.jsonl"))
    if not files:
        raise DataError(f"{folder} holds no <Entity>.jsonl file; name a folder with recorded QBO objects")
    return {path.stem: load_file(company, path) for path in files}


def load_file(company: Company, path: Path) -> int:
    """Load one entity's file."""
    entity, count = path.stem, 0
    if entity not in KNOWN:
        raise DataError(f"{path}: the sandbox knows no entity {entity}; rename the file or remove it")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                load_object(company, entity, parsed(line, f"{path}:{number}"), f"{path}:{number}")
                count += 1
    return count


def parsed(line: str, where: str) -> JsonObject:
    """One line's object."""
    try:
        obj = loads(line)
    except ValueError as error:
        raise DataError(f"{where}: no JSON: {error}") from error
    if not isinstance(obj, dict) or not obj.get("Id"):
        raise DataError(f"{where}: not one QBO object with an Id; a line must hold the bare object, not an envelope")
    return obj


def load_object(company: Company, entity: str, obj: JsonObject, where: str) -> None:
    """Store it and move the sequences on."""
    identifier = str(obj["Id"])
    if company.store.text(entity, identifier) is not None:
        raise DataError(f"{where}: {entity} {identifier} is there twice; keep one version")
    try:
        company.store.put(entity, obj)
    except (ValueError, ArithmeticError) as error:
        raise DataError(
            f"{where}: {entity} {identifier} holds a time or number that cannot be read: {error}"
        ) from error
    if identifier.isdecimal() and int(identifier) < LARGEST_NUM:
        company.store.raise_sequence(sequence_of(entity), int(identifier))
    number = str(obj.get("DocNumber") or "")
    if entity in NUMBERED_TOGETHER and number.isdecimal() and len(number) <= 9:
        company.store.raise_sequence(NUMBERS, int(number))
    for key in ("BillAddr", "ShipAddr", "PrimaryAddr", "ShipFromAddr"):
        address = (obj.get(key) or {}).get("Id")
        if address and str(address).isdecimal():
            company.store.raise_sequence("addresses", int(address))
