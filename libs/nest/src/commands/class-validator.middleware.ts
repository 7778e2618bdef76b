import type * as ClassValidator from 'class-validator'
import { fail } from '../errors.ts'
import type { CommandMiddleware } from './command-middleware.ts'

/**
 * Checks commands by the decorators of class-validator on their members, before anything else sees them:
 * `class Fill extends defineCommand<…>(…) { @IsInt() declare readonly ml: number }`. Commands without such decorators
 * pass. Errors: `COMMAND_INVALID` with `details.issues`, as from a command's `schema`.
 */
export function classValidatorMiddleware(): CommandMiddleware {
  let loading: Promise<Validator> | undefined
  return async (call, next) => {
    loading ??= loadValidator()
    const { validate, getMetadataStorage } = await loading
    const { command } = call
    const target = command.constructor
    if (getMetadataStorage().getTargetValidationMetadatas(target, '', true, false).length === 0) return await next(call)
    const issues = issuesOf(await validate(command), '')
    if (issues.length === 0) return await next(call)
    const text = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
    throw fail('COMMAND_INVALID', `${target.name}: ${text}`, { details: { issues } })
  }
}

type Validator = typeof ClassValidator

async function loadValidator(): Promise<Validator> {
  try {
    return await import('class-validator')
  } catch (cause) {
    throw fail('PACKAGE_MISSING', 'classValidatorMiddleware needs the package class-validator', { cause })
  }
}

interface Misfit {
  readonly property: string
  readonly constraints?: Readonly<Record<string, string>>
  readonly children?: readonly Misfit[]
}

function issuesOf(
  misfits: readonly Misfit[],
  above: string,
): readonly { readonly path: string; readonly message: string }[] {
  return misfits.flatMap(({ property, constraints = {}, children = [] }) => {
    const path = above === '' ? property : `${above}.${property}`
    return [...Object.values(constraints).map((message) => ({ path, message })), ...issuesOf(children, path)]
  })
}
