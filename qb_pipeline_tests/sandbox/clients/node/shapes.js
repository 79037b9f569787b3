// What an app sends to create one of each entity, by the names of the sample company.
'use strict'

let last = 0
const fresh = (word) => `${word} ${++last}`

// find(entity, field, value) resolves to an Id.
module.exports = (find) => {
  const ref = async (entity, name) => {
    const field = ['Customer', 'Vendor', 'Employee'].includes(entity) ? 'DisplayName' : 'Name'
    return { value: await find(entity, field, name) }
  }
  const sold = async () => [{
    DetailType: 'SalesItemLineDetail', Amount: 120,
    SalesItemLineDetail: { ItemRef: await ref('Item', 'Carpentry'), Qty: 2, UnitPrice: 60 },
  }]
  const spent = async () => [{
    DetailType: 'AccountBasedExpenseLineDetail', Amount: 80,
    AccountBasedExpenseLineDetail: { AccountRef: await ref('Account', 'Travel'), BillableStatus: 'NotBillable' },
  }]
  const side = async (type, account) => ({
    DetailType: 'JournalEntryLineDetail', Amount: 60,
    JournalEntryLineDetail: { PostingType: type, AccountRef: await ref('Account', account) },
  })
  const customer = async () => ({ CustomerRef: await ref('Customer', 'Grady Orchard') })
  const vendor = async () => ({ VendorRef: await ref('Vendor', 'Everly Signs') })
  const checking = () => ref('Account', 'Checking')

  return {
    Account: async () => ({ Name: fresh('Account'), AccountType: 'Expense', AccountSubType: 'Travel' }),
    Attachable: async () => ({ Note: fresh('Note') }),
    Bill: async () => ({ ...await vendor(), Line: await spent() }),
    BillPayment: async () => {
      const payer = await vendor()
      const bill = await find('Bill', 'VendorRef', payer.VendorRef.value)
      return {
        ...payer, PayType: 'Check', TotalAmt: 1, CheckPayment: { BankAccountRef: await checking() },
        Line: [{ Amount: 1, LinkedTxn: [{ TxnId: bill, TxnType: 'Bill' }] }],
      }
    },
    Class: async () => ({ Name: fresh('Class') }),
    CreditMemo: async () => ({ ...await customer(), Line: await sold() }),
    Customer: async () => ({ DisplayName: fresh('Customer') }),
    Department: async () => ({ Name: fresh('Location') }),
    Deposit: async () => ({
      DepositToAccountRef: await checking(),
      Line: [{
        DetailType: 'DepositLineDetail', Amount: 30,
        DepositLineDetail: { AccountRef: await ref('Account', 'Interest Earned') },
      }],
    }),
    Employee: async () => ({ GivenName: 'Ada', FamilyName: fresh('Byron') }),
    Estimate: async () => ({ ...await customer(), Line: await sold() }),
    Invoice: async () => ({ ...await customer(), Line: await sold() }),
    Item: async () => ({
      Name: fresh('Item'), Type: 'Service', UnitPrice: 25, IncomeAccountRef: await ref('Account', 'Services'),
    }),
    JournalEntry: async () => ({ Line: [await side('Debit', 'Travel'), await side('Credit', 'Checking')] }),
    Payment: async () => ({ ...await customer(), TotalAmt: 50 }),
    PaymentMethod: async () => ({ Name: fresh('Method') }),
    Purchase: async () => ({ PaymentType: 'Cash', AccountRef: await checking(), Line: await spent() }),
    PurchaseOrder: async () => ({
      ...await vendor(), APAccountRef: await ref('Account', 'Accounts Payable (A/P)'),
      Line: [{
        DetailType: 'ItemBasedExpenseLineDetail', Amount: 80,
        ItemBasedExpenseLineDetail: { ItemRef: await ref('Item', 'Deck board'), Qty: 5, UnitPrice: 16 },
      }],
    }),
    RefundReceipt: async () => ({ ...await customer(), DepositToAccountRef: await checking(), Line: await sold() }),
    SalesReceipt: async () => ({ ...await customer(), Line: await sold() }),
    Term: async () => ({ Name: fresh('Term'), DueDays: 20 }),
    TimeActivity: async () => ({
      NameOf: 'Employee', EmployeeRef: await ref('Employee', 'Sam Okafor'), Hours: 2, Minutes: 30,
      TxnDate: '2026-03-04',
    }),
    Transfer: async () => ({
      Amount: 25, FromAccountRef: await checking(), ToAccountRef: await ref('Account', 'Savings'),
    }),
    Vendor: async () => ({ DisplayName: fresh('Vendor') }),
    VendorCredit: async () => ({ ...await vendor(), Line: await spent() }),
  }
}
module.exports.fresh = fresh
