"""`POST /{entity}/{id}/send`: a form goes out by e-mail.

Invariant: a form is EmailSent if and only if a mail to a well-formed address was noted in the outbox.

    send(company, entity, identifier, send_to) -> the stored form as sent
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.faults import Fault, business, not_found, unsupported
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject
from qb_pipeline.sandbox.quickbooks.outbox import Mail, note
from qb_pipeline.sandbox.quickbooks.rows import ref_value
from qb_pipeline.sandbox.quickbooks.schema import EMAIL

# Where each form keeps the address it goes to; a payment has none of its own and goes to its customer's.
ADDRESS_KEYS = {
    "Invoice": "BillEmail",
    "Estimate": "BillEmail",
    "SalesReceipt": "BillEmail",
    "CreditMemo": "BillEmail",
    "RefundReceipt": "BillEmail",
    "PurchaseOrder": "POEmail",
    "Payment": None,
}


def send(company: Company, entity: str, identifier: str, send_to: str | None) -> JsonObject:
    """Mark the form as sent and note the mail. 500 for other entities, 2030, 610, 6000 without an address, 2210."""
    if entity not in ADDRESS_KEYS:
        raise unsupported(f"send on {entity}")
    form = stored_form(company, entity, identifier)
    key = ADDRESS_KEYS[entity]
    to = (send_to or "").strip() or own_address(company, form, key)
    check_address(to)
    after = {**form, "EmailStatus": "EmailSent"}
    after["DeliveryInfo"] = {"DeliveryType": "Email", "DeliveryTime": company.stamp}
    after[key or "BillEmail"] = {"Address": to}
    stored = company.save(entity, after, form, tuple(form), "Emailed")
    note(company.store.conn, mail(company, entity, stored, to))
    return stored


def stored_form(company: Company, entity: str, identifier: str) -> JsonObject:
    """The form. 2030 for an id that is none, 610 when it is not there."""
    if not identifier.isdecimal():
        raise Fault(2030, f"Id should be a valid number. Supplied value:{identifier}", element="Id")
    form = company.store.get(entity, identifier)
    if form is None:
        raise not_found()
    return form


def own_address(company: Company, form: JsonObject, key: str | None) -> str:
    """The address on the form, for a payment its customer's. 6000 without one."""
    holder = form if key else company.store.get("Customer", ref_value(form, "CustomerRef") or "") or {}
    address = str((holder.get(key or "PrimaryEmailAddr") or {}).get("Address") or "").strip()
    if not address:
        where = f"a {key}" if key else "an e-mail address of its customer"
        raise business(f"The form has no e-mail address: give it {where} or name one in sendTo.", element=key or "")
    return address


def check_address(addresses: str) -> None:
    """2210 unless every address of the comma-separated list is well formed."""
    if not all(EMAIL.fullmatch(one.strip()) for one in addresses.split(",")):
        raise Fault(
            2210, f"Email Address does not conform to the syntax rules of RFC 822: {addresses}", element="sendTo"
        )


def mail(company: Company, entity: str, form: JsonObject, to: str) -> Mail:
    """What the outbox keeps of a form that was sent."""
    identifier = str(form["Id"])
    return Mail(
        realm_id=company.realm,
        at=company.stamp,
        entity=entity,
        id=identifier,
        doc_number=form.get("DocNumber"),
        to=to,
        cc=(form.get("BillEmailCc") or {}).get("Address"),
        bcc=(form.get("BillEmailBcc") or {}).get("Address"),
        attachments=going_along(company, entity, identifier),
    )


def going_along(company: Company, entity: str, identifier: str) -> list[str]:
    """The Attachables of the form that are marked to be included on send."""
    found = []
    for _, attachable in company.store.referrers((entity, identifier), "Attachable"):
        obj = company.store.get("Attachable", attachable) or {}
        for ref in obj.get("AttachableRef") or []:
            target = ref.get("EntityRef") or {}
            if ref.get("IncludeOnSend") and (target.get("type"), target.get("value")) == (entity, identifier):
                found.append(attachable)
    return found
