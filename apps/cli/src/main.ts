#!/usr/bin/env node
import { EXIT } from './exit-codes.ts'
import { processWorld } from './process-world.ts'
import { runCli } from './run-cli.ts'

const world = processWorld()
process.exitCode = await runCli(process.argv.slice(2), world)
// What was given up may still be waiting for an answer: nobody waits for that.
if (process.exitCode === EXIT.timeout || process.exitCode === EXIT.interrupted) process.exit()
