import { z } from 'zod'

/** An amount as people write it, `200`, `"200.5"` or `"200.50"`, as cents. No float touches it. */
export const money = z.union([z.number(), z.string()]).transform((value, context): bigint => {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,2}))?$/.exec(String(value))
  if (match === null) {
    context.addIssue({
      code: 'custom',
      message: 'must be an amount with at most two decimals, such as 200 or "200.50"',
    })
    return z.NEVER
  }
  const [, sign = '', whole = '0', decimals = ''] = match
  return BigInt(`${sign}${whole}${decimals.padEnd(2, '0')}`)
})

/** Cents as an amount with two decimals: `20050n` is `200.50`. */
export function formatMoney(cents: bigint): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
