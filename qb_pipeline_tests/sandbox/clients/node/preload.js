// Points node-quickbooks at a sandbox (mocha --require): base addresses and credentials, nothing else.
'use strict'

const path = require('path')
const library = path.join(process.env.CLIENTS_HOME, 'node_modules', 'node-quickbooks')
const QuickBooks = require(library)
const base = process.env.SANDBOX_URL

QuickBooks.V3_ENDPOINT_BASE_URL = `${base}/v3/company/`
QuickBooks.TOKEN_URL = process.env.TOKEN_URL
QuickBooks.REVOKE_URL = process.env.REVOKE_URL
QuickBooks.USER_INFO_URL = process.env.USER_INFO_URL

// The suites read this object, which an app's developer fills in.
Object.assign(require(path.join(library, 'config')), {
  consumerKey: process.env.CLIENT_ID,
  consumerSecret: process.env.CLIENT_SECRET,
  token: process.env.ACCESS_TOKEN,
  refreshToken: process.env.REFRESH_TOKEN,
  realmId: process.env.COMPANY_ID,
  useSandbox: true,
  oauthversion: '2.0',
  minorversion: 75,
  testEmail: 'books@client.test',
})
