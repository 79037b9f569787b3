"""Which types and subtypes of account there are.

Invariant: a subtype belongs to the types listed with it; the first type is taken where the subtype stands alone.
"""

# AccountType -> (Classification, the subtype QBO takes when none is given).
TYPES = {
    "Bank": ("Asset", "Checking"),
    "Accounts Receivable": ("Asset", "AccountsReceivable"),
    "Other Current Asset": ("Asset", "OtherCurrentAssets"),
    "Fixed Asset": ("Asset", "OtherFixedAssets"),
    "Other Asset": ("Asset", "OtherLongTermAssets"),
    "Accounts Payable": ("Liability", "AccountsPayable"),
    "Credit Card": ("Liability", "CreditCard"),
    "Other Current Liability": ("Liability", "OtherCurrentLiabilities"),
    "Long Term Liability": ("Liability", "OtherLongTermLiabilities"),
    "Equity": ("Equity", "OpeningBalanceEquity"),
    "Income": ("Revenue", "SalesOfProductIncome"),
    "Cost of Goods Sold": ("Expense", "SuppliesMaterialsCogs"),
    "Expense": ("Expense", "OtherMiscellaneousServiceCost"),
    "Other Income": ("Revenue", "OtherMiscellaneousIncome"),
    "Other Expense": ("Expense", "OtherMiscellaneousExpense"),
}
SUBTYPES = {
    "Bank": (
        "CashOnHand", "Checking", "MoneyMarket", "RentsHeldInTrust", "Savings", "TrustAccounts",
        "CashAndCashEquivalents", "OtherEarMarkedBankAccounts",
    ),
    "Accounts Receivable": ("AccountsReceivable",),
    "Other Current Asset": (
        "AllowanceForBadDebts", "DevelopmentCosts", "EmployeeCashAdvances", "OtherCurrentAssets", "Inventory",
        "Investment_MortgageRealEstateLoans", "Investment_Other", "Investment_TaxExemptSecurities",
        "Investment_USGovernmentObligations", "LoansToOfficers", "LoansToOthers", "LoansToStockholders",
        "PrepaidExpenses", "Retainage", "UndepositedFunds", "AssetsAvailableForSale", "BalWithGovtAuthorities",
        "CalledUpShareCapitalNotPaid", "ExpenditureAuthorisationsAndLettersOfCredit", "GlobalTaxDeferred",
        "GlobalTaxRefund", "InternalTransfers", "OtherConsumables", "ProvisionsCurrentAssets",
        "ShortTermInvestmentsInRelatedParties", "ShortTermLoansAndAdvancesToRelatedParties", "TradeAndOtherReceivables",
    ),
    "Fixed Asset": (
        "AccumulatedDepletion", "AccumulatedDepreciation", "DepletableAssets", "FixedAssetComputers",
        "FixedAssetCopiers", "FixedAssetFurniture", "FixedAssetPhone", "FixedAssetPhotoVideo", "FixedAssetSoftware",
        "FixedAssetOtherToolsEquipment", "FurnitureAndFixtures", "Land", "LeaseholdImprovements", "OtherFixedAssets",
        "AccumulatedAmortization", "Buildings", "IntangibleAssets", "MachineryAndEquipment", "Vehicles",
        "AssetsInCourseOfConstruction", "CapitalWip", "CumulativeDepreciationOnIntangibleAssets",
        "IntangibleAssetsUnderDevelopment", "LandAsset", "NonCurrentAssets", "ParticipatingInterests",
        "ProvisionsFixedAssets",
    ),
    "Other Asset": (
        "LeaseBuyout", "OtherLongTermAssets", "SecurityDeposits", "AccumulatedAmortizationOfOtherAssets", "Goodwill",
        "Licenses", "OrganizationalCosts", "AssetsHeldForSale", "AvailableForSaleFinancialAssets", "DeferredTax",
        "Investments", "LongTermInvestments", "LongTermLoansAndAdvancesToRelatedParties", "OtherIntangibleAssets",
        "OtherLongTermInvestments", "OtherLongTermLoansAndAdvances", "PrepaymentsAndAccruedIncome",
        "ProvisionsNonCurrentAssets",
    ),
    "Accounts Payable": ("AccountsPayable", "OutstandingDuesMicroSmallEnterprise"),
    "Credit Card": ("CreditCard",),
    "Other Current Liability": (
        "DirectDepositPayable", "LineOfCredit", "LoanPayable", "GlobalTaxPayable", "GlobalTaxSuspense",
        "OtherCurrentLiabilities", "PayrollClearing", "PayrollTaxPayable", "PrepaidExpensesPayable",
        "RentsInTrustLiability", "TrustAccountsLiabilities", "FederalIncomeTaxPayable", "InsurancePayable",
        "SalesTaxPayable", "StateLocalIncomeTaxPayable", "AccruedLiabilities", "CurrentLiabilities",
        "CurrentPortionEmployeeBenefitsObligations", "CurrentPortionOfObligationsUnderFinanceLeases",
        "CurrentTaxLiability", "DividendsPayable", "DutiesAndTaxes", "InterestPayables",
        "ProvisionForWarrantyObligations", "ProvisionsCurrentLiabilities", "ShortTermBorrowings",
        "SocialSecurityAgencies", "StaffAndRelatedLiabilityAccounts", "SundryDebtorsAndCreditors",
        "TradeAndOtherPayables",
    ),
    "Long Term Liability": (
        "NotesPayable", "OtherLongTermLiabilities", "ShareholderNotesPayable", "AccrualsAndDeferredIncome",
        "AccruedLongLermLiabilities", "AccruedVacationPayable", "BankLoans", "DebtsRelatedToParticipatingInterests",
        "DeferredTaxLiabilities", "GovernmentAndOtherPublicAuthorities", "GroupAndAssociates",
        "LiabilitiesRelatedToAssetsHeldForSale", "LongTermBorrowings", "LongTermDebit",
        "LongTermEmployeeBenefitObligations",
        "ObligationsUnderFinanceLeases", "OtherLongTermProvisions", "ProvisionForLiabilities",
        "ProvisionsNonCurrentLiabilities", "StaffAndRelatedLongTermLiabilityAccounts",
    ),
    "Equity": (
        "OpeningBalanceEquity", "PartnersEquity", "RetainedEarnings", "AccumulatedAdjustment", "OwnersEquity",
        "PaidInCapitalOrSurplus", "PartnerContributions", "PartnerDistributions", "PreferredStock", "CommonStock",
        "TreasuryStock", "EstimatedTaxes", "Healthcare", "PersonalIncome", "PersonalExpense",
        "AccumulatedOtherComprehensiveIncome", "CalledUpShareCapital", "CapitalReserves", "DividendDisbursed",
        "EquityInEarningsOfSubsiduaries", "InvestmentGrants", "MoneyReceivedAgainstShareWarrants", "OtherFreeReserves",
        "ShareApplicationMoneyPendingAllotment", "ShareCapital", "Funds",
    ),
    "Income": (
        "NonProfitIncome", "OtherPrimaryIncome", "SalesOfProductIncome", "ServiceFeeIncome", "DiscountsRefundsGiven",
        "UnappliedCashPaymentIncome", "CashReceiptIncome", "OperatingGrants", "OtherCurrentOperatingIncome",
        "OwnWorkCapitalized", "RevenueGeneral", "SalesRetail", "SalesWholesale", "SavingsByTaxScheme",
    ),
    "Cost of Goods Sold": (
        "EquipmentRentalCos", "OtherCostsOfServiceCos", "ShippingFreightDeliveryCos", "SuppliesMaterialsCogs",
        "CostOfLaborCos", "CostOfSales", "FreightAndDeliveryCost",
    ),
    "Expense": (
        "AdvertisingPromotional", "BadDebts", "BankCharges", "CharitableContributions", "CommissionsAndFees",
        "Entertainment", "EntertainmentMeals", "EquipmentRental", "FinanceCosts", "GlobalTaxExpense", "Insurance",
        "InterestPaid", "LegalProfessionalFees", "OfficeExpenses", "OfficeGeneralAdministrativeExpenses",
        "OtherBusinessExpenses", "OtherMiscellaneousServiceCost", "PromotionalMeals", "RentOrLeaseOfBuildings",
        "RepairMaintenance", "ShippingFreightDelivery", "SuppliesMaterials", "Travel", "TravelMeals", "Utilities",
        "Auto", "CostOfLabor", "DuesSubscriptions", "PayrollExpenses", "TaxesPaid", "UnappliedCashBillPaymentExpense",
        "AmortizationExpense", "AppropriationsToDepreciation", "BorrowingCost", "CommissionsAndFees",
        "DistributionCosts", "ExternalServices", "ExtraordinaryCharges", "IncomeTaxExpense",
        "LossOnDiscontinuedOperationsNetOfTax", "ManagementCompensation", "OtherCurrentOperatingCharges",
        "OtherExternalServices", "OtherRentalCosts", "OtherSellingExpenses", "ProjectStudiesSurveysAssessments",
        "PurchasesRebates", "ShippingAndDeliveryExpense", "StaffCosts", "Sundry",
        "TravelExpensesGeneralAndAdminExpenses", "TravelExpensesSellingExpense",
    ),
    "Other Income": (
        "DividendIncome", "InterestEarned", "OtherInvestmentIncome", "OtherMiscellaneousIncome", "TaxExemptInterest",
        "GainLossOnSaleOfFixedAssets", "GainLossOnSaleOfInvestments", "LossOnDisposalOfAssets",
        "OtherOperatingIncome", "UnrealisedLossOnSecuritiesNetOfTax",
    ),
    "Other Expense": (
        "Amortization", "Depreciation", "ExchangeGainOrLoss", "OtherMiscellaneousExpense", "PenaltiesSettlements",
        "GasAndFuel", "HomeOffice", "HomeOwnerRentalInsurance", "MortgageInterest", "OtherHomeOfficeExpenses",
        "OtherVehicleExpenses", "ParkingAndTolls", "RentAndLease", "RepairsAndMaintenance", "Utilities", "Vehicle",
        "VehicleInsurance", "VehicleLease", "VehicleLoan", "VehicleLoanInterest", "VehicleRegistration",
        "VehicleRepairs", "WashAndRoadServices", "DeferredTaxExpense", "Depletion", "ExceptionalItems",
        "ExtraordinaryItems", "IncomeTaxOtherExpense", "MatCredit", "PriorPeriodItems", "TaxRoundoffGainOrLoss",
    ),
}  # fmt: skip
IMPLIED: dict[str, str] = {}
for _kind, _subtypes in SUBTYPES.items():
    for _subtype in _subtypes:
        IMPLIED.setdefault(_subtype, _kind)


def belongs(subtype: str, kind: str) -> bool:
    """Whether an account of the type can be of the subtype."""
    return subtype in SUBTYPES.get(kind, ())
