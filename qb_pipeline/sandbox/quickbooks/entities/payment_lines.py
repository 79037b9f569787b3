"""The lines of a payment as QBO shows them.

Invariant: a line names one document that exists, with its number and amount beside it.
"""

from qb_pipeline.sandbox.quickbooks.company import Company
from qb_pipeline.sandbox.quickbooks.entities.application_checks import linked_document
from qb_pipeline.sandbox.quickbooks.entities.applications import RECEIVED
from qb_pipeline.sandbox.quickbooks.jsontext import JsonObject, decimal_of


def payment_line(company: Company, line: JsonObject, position: int) -> JsonObject:
    """One application with the document's number and amount beside it."""
    kind, document = linked_document(company, RECEIVED, line, position)
    identifier = str(document["Id"])
    links = [{"TxnId": identifier, "TxnType": kind}]
    return {"Amount": line["Amount"], "LinkedTxn": links, "LineEx": line_extension(identifier, document)}


def line_extension(identifier: str, document: JsonObject) -> JsonObject:
    """The name/value bag QBO hangs on payment lines."""
    pairs = {
        "txnId": identifier,
        "txnOpenBalance": f"{decimal_of(document.get('TotalAmt')):.2f}",
        "txnReferenceNumber": str(document.get("DocNumber", "")),
    }
    return {
        "any": [
            {
                "name": "{http://schema.intuit.com/finance/v3}NameValue",
                "declaredType": "com.intuit.schema.finance.v3.NameValue",
                "scope": "javax.xml.bind.JAXBElement$GlobalScope",
                "value": {"Name": name, "Value": value},
                "nil": False,
                "globalScope": True,
                "typeSubstituted": False,
            }
            for name, value in pairs.items()
        ]
    }
