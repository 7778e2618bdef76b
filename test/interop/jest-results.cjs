/** Turns the JSON of Jest into the lines that verdict.ts reads: `node jest-results.cjs <file>` in the checkout. */
const { stripVTControlCharacters } = require('node:util')
const { testResults } = require(process.argv[2])
const statuses = { passed: 'passed', failed: 'failed' }
for (const { name, assertionResults, message } of testResults) {
  const file = name.slice(process.cwd().length + 1)
  if (assertionResults.length === 0) console.log(JSON.stringify({ name: file, status: 'failed', message }))
  for (const { fullName, status, failureMessages } of assertionResults) {
    const first = stripVTControlCharacters(failureMessages[0] ?? '')
    console.log(JSON.stringify({ name: `${file}: ${fullName}`, status: statuses[status] ?? 'skipped', message: first }))
  }
}
