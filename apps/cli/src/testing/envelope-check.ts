import { Ajv2020 } from 'ajv/dist/2020.js'
import { commands } from '../commands.ts'
import { schemaFor } from '../envelope.ts'
import type { CliRun } from './test-world.ts'

interface ReadEnvelope {
  readonly version: number
  readonly status: string
  readonly data: unknown
  readonly diagnostics: readonly { readonly severity: string; readonly code: string; readonly message: string }[]
}

/** The envelope on stdout, after it has been held against the published schema of the command. */
export function envelopeOf(path: string, { out }: CliRun): ReadEnvelope {
  const command = commands.find((each) => each.path === path)
  if (command === undefined) throw new Error(`there is no command ${path}`)
  const envelope: unknown = JSON.parse(out.join('\n'))
  const validate = new Ajv2020({ allErrors: true }).compile<ReadEnvelope>(schemaFor(command))
  if (validate(envelope)) return envelope
  const reasons = validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`).join('; ')
  throw new Error(`${path} does not keep to its schema: ${reasons}\n${out.join('\n')}`)
}
