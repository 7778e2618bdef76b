import { defineCommand } from '@keyfold/eventsourcing'
import { z } from 'zod'

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')

/** Asks to pay from one account to another. */
export class RequestPayment extends defineCommand({
  name: 'bank.RequestPayment',
  key: 'paymentId',
  schema: z.object({ paymentId: id, fromAccountId: id, toAccountId: id, amountCents: z.bigint() }),
}) {}

/** Notes that the money has arrived. */
export class CompletePayment extends defineCommand({
  name: 'bank.CompletePayment',
  key: 'paymentId',
  schema: z.object({ paymentId: id }),
}) {}

/** Notes that the payment will not happen. */
export class FailPayment extends defineCommand({
  name: 'bank.FailPayment',
  key: 'paymentId',
  schema: z.object({ paymentId: id, reason: z.string() }),
}) {}
