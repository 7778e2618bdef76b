import type { StandardIssue } from '@keyfold/eventsourcing'

/**
 * CloudEvents extension attributes that travel with every event of a command, such as `actor`, `tenant`, `traceparent`:
 * each becomes the header `ce_<name>`.
 */
export type Extensions = Readonly<Record<string, string>>

/** The name of the header of an extension attribute. */
export function extensionHeader(name: string): string {
  return `ce_${name}`
}

/** More than this is data, and belongs into the event. */
const extensionsMax = 16
const valueBytesMax = 1_024
/** CloudEvents 1.0, "Naming conventions". */
const nameForm = /^[a-z0-9]{1,20}$/
/** What the envelope itself writes. */
const taken = new Set([
  'specversion',
  'id',
  'type',
  'source',
  'time',
  'subject',
  'datacontenttype',
  'dataschema',
  'correlationid',
  'causationid',
])

/** What is wrong with extension attributes; nothing when they can be stored. */
export function extensionIssues(extensions: Extensions): readonly StandardIssue[] {
  const names = Object.keys(extensions)
  if (names.length > extensionsMax) return [issue('', `are ${names.length}; ${extensionsMax} are the most`)]
  return names.flatMap((name) => {
    if (!nameForm.test(name)) return [issue(name, 'must be called by 1 to 20 small letters and digits')]
    if (taken.has(name)) return [issue(name, 'is an attribute that the envelope writes itself')]
    const tooLong = Buffer.byteLength(extensions[name] ?? '') > valueBytesMax
    return tooLong ? [issue(name, `must not take more than ${valueBytesMax} bytes`)] : []
  })
}

function issue(name: string, message: string): StandardIssue {
  return { message, path: name === '' ? ['extensions'] : ['extensions', name] }
}
