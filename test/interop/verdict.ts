import { readFileSync } from 'node:fs'

/**
 * What a client's own test suite says about the broker: `node verdict.ts <results> <allow.txt>`. The results are JSON
 * lines { name, status, message }; allow.txt has one test a line, `name -- reason`. A test that fails and is not in
 * allow.txt fails the run; one that is counts as skipped, whether it passes or not (some depend on luck).
 */
interface Result {
  name: string
  status: 'passed' | 'failed' | 'skipped'
  message?: string
}

function main([resultsPath = '', allowPath = '']: string[]): void {
  const results = linesOf(resultsPath).map((line) => JSON.parse(line) as Result)
  const allowed = new Map(linesOf(allowPath).map(readAllowance))
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const met = new Set<string>()
  for (const { name, status, message = '' } of results) {
    const reason = allowed.get(name)
    if (reason !== undefined) met.add(name)
    if (reason !== undefined && status === 'passed') console.log(`passed, though in allow.txt: ${name}`)
    const verdict = reason === undefined ? status : 'skipped'
    counts[verdict]++
    if (verdict === 'failed') console.log(`FAILED ${name}\n       ${message.split('\n')[0] ?? ''}`)
  }
  for (const name of allowed.keys()) if (!met.has(name)) console.log(`allow.txt names a test that did not run: ${name}`)
  const runs = counts.passed + counts.failed
  if (runs === 0) console.log('no test ran')
  console.log(`${met.size} of the skipped are exceptions, with their reasons in allow.txt`)
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  process.exitCode = counts.failed > 0 || runs === 0 ? 1 : 0
}

function readAllowance(line: string): [name: string, reason: string] {
  const at = line.indexOf(' -- ')
  if (at < 1) throw new Error(`allow.txt: a line is 'name -- reason', unlike: ${line}`)
  return [line.slice(0, at), line.slice(at + 4)]
}

/** Lines with something in them; `#` begins a comment. */
function linesOf(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

main(process.argv.slice(2))
