"""The books on the cash basis: income and cost of a document count when it is paid, in proportion.

Invariant: the recognised parts of a payment add up to what it settles, to the cent, and those of a document that is
paid in full to its lines exactly; so the cash books balance on every day, as the accrual books do.

A settlement of a receivable or payable is replaced by the same share of the document's income and costs. What the
document posts to the balance sheet (sales tax, stock) stays at its date and open on the control account until settled,
as does the cost of stock. A payment made before its document's date waits on the control account until then.
CROSS JOIN keeps SQLite to the order written, in which every join is one look-up in an index it makes itself.
Money nobody has applied yet counts as income (or expense) on the account QBO keeps for it, where the company has one.
"""

from qb_pipeline.sandbox.quickbooks.rows import SCALE

CENT = SCALE // 100
# Accounts for money received or paid without a document, by the kind of payment.
UNAPPLIED = {"Payment": "UnappliedCashPaymentIncome", "BillPayment": "UnappliedCashBillPaymentExpense"}

CASH = """
WITH profit AS MATERIALIZED (
  SELECT id FROM objects WHERE c = :c AND entity = 'Account' AND json_extract(body, '$.AccountType') IN (
    'Income', 'Cost of Goods Sold', 'Expense', 'Other Income', 'Other Expense')
), total AS MATERIALIZED (
  SELECT entity, id, min(date) AS issued, max(account) AS control, sum(amount) AS t FROM postings
  WHERE c = :c AND part = 'own' AND doc = entity AND doc_id = id
    AND entity IN ('Invoice', 'CreditMemo', 'Bill', 'VendorCredit')
  GROUP BY entity, id HAVING t <> 0
), earned AS MATERIALIZED (
  SELECT p.*, total.control, p.account IN (SELECT id FROM profit) AS counts,
    sum(p.amount) OVER (PARTITION BY p.entity, p.id ORDER BY p.n) AS upto
  FROM postings p CROSS JOIN total ON total.entity = p.entity AND total.id = p.id
  WHERE p.c = :c AND p.part = 'own' AND NOT (coalesce(p.doc, '') = p.entity AND coalesce(p.doc_id, '') = p.id)
), paid AS MATERIALIZED (
  SELECT p.*, total.t, total.issued, max(p.date, total.issued) AS counted,
    sum(p.amount) OVER (
      PARTITION BY p.doc, p.doc_id ORDER BY max(p.date, total.issued), p.entity, p.id, p.part, p.n
    ) AS after
  FROM postings p CROSS JOIN total ON total.entity = p.doc AND total.id = p.doc_id
  WHERE p.c = :c AND p.doc IS NOT NULL AND NOT (p.entity = p.doc AND p.id = p.doc_id)
), lines AS (
  SELECT p.entity, p.id, p.part, p.n, p.date,
    CASE WHEN p.doc = p.entity AND p.doc_id = p.id AND p.entity = 'Payment' THEN coalesce(:Payment, p.account)
         WHEN p.doc = p.entity AND p.doc_id = p.id AND p.entity = 'BillPayment' THEN coalesce(:BillPayment, p.account)
         ELSE p.account END AS account,
    p.amount, p.party, p.party_id, p.item, p.class, p.department, p.line, p.memo
  FROM postings p
  LEFT JOIN total a ON p.part = 'own' AND a.entity = p.entity AND a.id = p.id
  LEFT JOIN total b ON b.entity = p.doc AND b.id = p.doc_id
  WHERE p.c = :c AND a.t IS NULL AND b.t IS NULL
  UNION ALL
  SELECT e.entity, e.id, e.part, e.n, q.counted, CASE WHEN e.counts THEN e.account ELSE q.account END,
    CASE WHEN q.amount = -q.t THEN e.amount
      ELSE share(e.upto, q.after, q.t) - share(e.upto - e.amount, q.after, q.t)
        - share(e.upto, q.after - q.amount, q.t) + share(e.upto - e.amount, q.after - q.amount, q.t) END,
    e.party, e.party_id, e.item, e.class, e.department, e.line, e.memo
  FROM paid q JOIN earned e ON e.entity = q.doc AND e.id = q.doc_id
  UNION ALL
  SELECT entity, id, part, n, date, account, amount, party, party_id, item, class, department, line, memo
  FROM earned WHERE NOT counts
  UNION ALL
  SELECT entity, id, part, n, date, control, -amount, party, party_id, item, class, department, line, memo
  FROM earned WHERE NOT counts
  UNION ALL
  SELECT entity, id, part, n, date, account, amount, party, party_id, item, class, department, line, memo
  FROM paid WHERE date < issued
  UNION ALL
  SELECT entity, id, part, n, issued, account, -amount, party, party_id, item, class, department, line, memo
  FROM paid WHERE date < issued
)
"""


def share(upto: int, settled: int, total: int) -> int:
    """The part of a document's first postings (`upto`, their sum) that counts once `settled` of `total` is settled.

    All in millionths, `settled` against the sign of `total`. Rounded to cents, but for the whole of either.
    """
    if settled == -total:
        return upto
    return settled if upto == -total else round_half_up(-upto * settled, total * CENT) * CENT


def round_half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction, halves away from zero."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))
