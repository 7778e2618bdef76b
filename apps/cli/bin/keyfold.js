#!/usr/bin/env node
// Old versions of Node have to understand this file: they are told what to do instead.
const [major] = process.versions.node.split('.')
if (Number(major) >= 24) {
  await import('../dist/main.js')
} else {
  const fix = 'npx -p node@24 -p keyfold keyfold …, or install Node 24'
  console.error(`NODE_TOO_OLD: keyfold needs Node 24 or newer, this is ${process.versions.node}. Fix: ${fix}`)
  process.exitCode = 2
}
