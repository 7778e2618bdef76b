import { type AggregateDescriptor, type DescribedClass, descriptorOf } from '@keyfold/eventsourcing'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CliError } from '../cli-error.ts'

/**
 * The aggregates of an application, as a module exports them: `export const aggregates = [Account, …]`, values or
 * decorated classes. Errors: `MODULE_UNUSABLE`.
 */
export async function aggregatesOf(path: string): Promise<readonly AggregateDescriptor[]> {
  let loaded: { readonly aggregates?: unknown; readonly default?: { readonly aggregates?: unknown } }
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as typeof loaded
  } catch (error) {
    throw new CliError('MODULE_UNUSABLE', `${path} cannot be loaded: ${(error as Error).message}`)
  }
  const aggregates = loaded.aggregates ?? loaded.default?.aggregates
  if (!Array.isArray(aggregates) || aggregates.length === 0)
    throw new CliError('MODULE_UNUSABLE', `${path} exports no list called aggregates`)
  return aggregates.map((each: AggregateDescriptor | DescribedClass) => {
    try {
      return descriptorOf(each, 'aggregate')
    } catch (error) {
      throw new CliError('MODULE_UNUSABLE', `${path}: ${(error as Error).message}`)
    }
  })
}
