import type { PaymentFailedCause } from '../generated/bank.ts'

/** What a rejection code says about why a payment failed. */
export function failureCause(reason: string): PaymentFailedCause {
  if (reason === 'INSUFFICIENT_FUNDS') return 'FUNDS'
  return reason.startsWith('ACCOUNT_') ? 'ACCOUNT' : 'UNKNOWN'
}
