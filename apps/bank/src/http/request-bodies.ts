import { z } from 'zod'
import { money } from './money.ts'

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')

/** What the HTTP API takes. Unknown members are refused: a typing error must not change what a command means. */
export const openAccountBody = z.strictObject({ accountId: id.optional(), owner: z.string().trim().min(1).max(200) })
export const depositBody = z.strictObject({ amount: money, memo: z.string().max(500).optional() })
export const withdrawalBody = z.strictObject({ amount: money })
export const paymentBody = z.strictObject({ from: id, to: id, amount: money })
export const accountIdParameter = id

export type OpenAccountBody = z.infer<typeof openAccountBody>
export type DepositBody = z.infer<typeof depositBody>
export type WithdrawalBody = z.infer<typeof withdrawalBody>
export type PaymentBody = z.infer<typeof paymentBody>
