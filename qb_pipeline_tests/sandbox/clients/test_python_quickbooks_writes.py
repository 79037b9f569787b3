"""Every way python-quickbooks can write, on every entity it can write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from quickbooks.batch import batch_create, batch_delete, batch_update
from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException

from qb_pipeline_tests.sandbox.clients.bodies import BODIES, LISTS, NEEDED, Sample, change_of
from qb_pipeline_tests.sandbox.clients.pyqb import class_of, json_key

ENTITIES = tuple(BODIES)
TRANSACTIONS = tuple(entity for entity in ENTITIES if entity not in LISTS)
# Answered without an entity of its own in the result of a batch.
BATCHED = tuple(entity for entity in ENTITIES if entity != "CreditCardPayment")


def built(entity: str, names: Sample) -> Any:
    """An unsaved object of the library."""
    return class_of(entity).from_json(BODIES[entity](names))


def made(entity: str, names: Sample, qb: Any) -> Any:
    """A saved one, read back: the library takes only the Id from the answer of a create."""
    obj = built(entity, names)
    obj.save(qb=qb)
    return read(entity, obj.Id, qb)


def read(entity: str, identifier: str, qb: Any) -> Any:
    """An object as an app must hold it to save it again: QuickBooks refuses the extension block it shows."""
    obj = class_of(entity).get(identifier, qb=qb)
    vars(obj).pop(f"{entity}Ex", None)
    return obj


@pytest.mark.parametrize("entity", ENTITIES)
def test_what_the_library_creates_reads_back_as_sent(entity: str, names: Sample, qb: Any) -> None:
    body = BODIES[entity](names)
    obj = class_of(entity).from_json(body)
    obj.save(qb=qb)
    stored = qb.get_single_object(entity, obj.Id)[json_key(entity)]
    assert stored["Id"] == str(obj.Id)
    assert stored["SyncToken"] == "0"
    for key, value in body.items():
        if isinstance(value, str | int):
            assert stored[key] == value
        elif isinstance(value, dict) and "value" in value:
            assert stored[key]["value"] == value["value"]


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_whole_object_changed_and_saved_comes_back_changed_with_the_next_token(
    entity: str, names: Sample, qb: Any
) -> None:
    obj, (key, value) = made(entity, names, qb), change_of(entity)
    setattr(obj, key, value)
    obj.save(qb=qb)
    after = class_of(entity).get(obj.Id, qb=qb)
    assert getattr(after, key) == value
    assert (obj.SyncToken, after.SyncToken) == ("0", "1")


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_sparse_update_changes_what_it_names_and_nothing_else(entity: str, names: Sample, qb: Any) -> None:
    obj, (key, value) = made(entity, names, qb), change_of(entity)
    before = qb.get_single_object(entity, obj.Id)[json_key(entity)]
    needed = {name: before[name] for name in NEEDED.get(entity, ())}
    sparse = {"Id": obj.Id, "SyncToken": obj.SyncToken, "sparse": True, key: value, **needed}
    after = qb.update_object(entity, json.dumps(sparse))[json_key(entity)]
    assert after[key] == value
    moving = {key, "SyncToken", "MetaData", "FullyQualifiedName", "DisplayName", "PrintOnCheckName"}
    assert {k: v for k, v in after.items() if k not in moving} == {k: v for k, v in before.items() if k not in moving}


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_version_that_was_overtaken_is_refused_with_5010(entity: str, names: Sample, qb: Any) -> None:
    obj, (key, value) = made(entity, names, qb), change_of(entity)
    setattr(obj, key, value)
    obj.save(qb=qb)
    with pytest.raises(QuickbooksException) as refused:
        obj.save(qb=qb)
    assert refused.value.error_code == 5010


@pytest.mark.parametrize("entity", TRANSACTIONS)
def test_what_is_deleted_is_gone_for_reads_and_queries(entity: str, names: Sample, qb: Any) -> None:
    obj = made(entity, names, qb)
    answer = obj.delete(qb=qb)
    assert answer[json_key(entity)]["status"] == "Deleted"
    assert class_of(entity).filter(Id=obj.Id, qb=qb) == []
    with pytest.raises(ObjectNotFoundException):
        class_of(entity).get(obj.Id, qb=qb)


@pytest.mark.parametrize("entity", LISTS)
def test_what_is_made_inactive_leaves_the_list_and_stays_readable(entity: str, names: Sample, qb: Any) -> None:
    obj = made(entity, names, qb)
    obj.Active = False
    obj.save(qb=qb)
    assert class_of(entity).filter(Id=obj.Id, qb=qb) == []
    (found,) = class_of(entity).where(f"Active = false and Id = '{obj.Id}'", qb=qb)
    assert found.Active is False
    assert "(deleted)" in (getattr(found, "DisplayName", "") or found.Name)


@pytest.mark.parametrize("entity", LISTS)
def test_deleting_from_a_list_is_refused(entity: str, names: Sample, qb: Any) -> None:
    obj = made(entity, names, qb)
    with pytest.raises(QuickbooksException):
        qb.delete_object(entity, json.dumps({"Id": obj.Id, "SyncToken": obj.SyncToken}))
    assert class_of(entity).get(obj.Id, qb=qb).SyncToken == "0"


@pytest.mark.parametrize("entity", ["Invoice", "Payment", "SalesReceipt", "BillPayment"])
def test_a_voided_transaction_stays_with_nothing_left_of_it(entity: str, names: Sample, qb: Any) -> None:
    obj = made(entity, names, qb)
    obj.void(qb=qb)
    after = class_of(entity).get(obj.Id, qb=qb)
    assert after.TotalAmt == 0
    assert "Voided" in after.PrivateNote


@pytest.mark.parametrize("entity", ["CreditMemo", "RefundReceipt", "Purchase", "Transfer", "Estimate", "VendorCredit"])
def test_a_void_that_quickbooks_does_not_know_changes_nothing(entity: str, names: Sample, qb: Any) -> None:
    obj = made(entity, names, qb)
    url = f"{qb.api_url}/company/{qb.company_id}/{entity.lower()}"
    with pytest.raises(QuickbooksException):
        qb.post(url, json.dumps({"Id": obj.Id, "SyncToken": "0"}), params={"operation": "void"})
    assert class_of(entity).get(obj.Id, qb=qb).SyncToken == "0"


@pytest.mark.parametrize("entity", [entity for entity in ENTITIES if entity != "Attachable"])
def test_the_same_request_id_makes_one_object(entity: str, names: Sample, qb: Any) -> None:
    first, again = (class_of(entity).from_json(body) for body in [BODIES[entity](names)] * 2)
    first.save(qb=qb, request_id=f"once-{entity}")
    again.save(qb=qb, request_id=f"once-{entity}")
    assert first.Id == again.Id


@pytest.mark.parametrize("entity", BATCHED)
def test_a_batch_creates_and_updates(entity: str, names: Sample, qb: Any) -> None:
    created = batch_create([built(entity, names) for _ in range(2)], qb=qb)
    assert (len(created.successes), created.faults) == (2, [])
    key, _ = change_of(entity)
    stored = [read(entity, obj.Id, qb) for obj in created.successes]
    for obj in stored:
        setattr(obj, key, change_of(entity)[1])
    updated = batch_update(stored, qb=qb)
    assert ([obj.SyncToken for obj in updated.successes], updated.faults) == (["1", "1"], [])


@pytest.mark.parametrize("entity", [entity for entity in TRANSACTIONS if entity in BATCHED])
def test_a_batch_deletes(entity: str, names: Sample, qb: Any) -> None:
    objects = [made(entity, names, qb) for _ in range(2)]
    deleted = batch_delete(objects, qb=qb)
    assert (len(deleted.successes), deleted.faults) == (2, [])
    assert class_of(entity).choose([obj.Id for obj in objects], qb=qb) == []


def test_a_batch_of_more_than_thirty_is_sent_in_slices(names: Sample, qb: Any) -> None:
    answer = batch_create([built("Vendor", names) for _ in range(35)], qb=qb)
    assert (len(answer.successes), answer.faults) == (35, [])


def test_an_extension_block_sent_back_is_refused(names: Sample, qb: Any) -> None:
    obj = made("Purchase", names, qb)
    shown = class_of("Purchase").get(obj.Id, qb=qb)
    assert "PurchaseEx" in vars(shown)
    with pytest.raises(QuickbooksException) as refused:
        shown.save(qb=qb)
    assert refused.value.error_code == 2010
