import { defineCommand } from '@keyfold/eventsourcing'
import { z } from 'zod'

const accountId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')
const amountCents = z.bigint()

/** Opens a new account for its owner. */
export class OpenAccount extends defineCommand({
  name: 'bank.OpenAccount',
  key: 'accountId',
  schema: z.object({ accountId, owner: z.string().trim().min(1).max(200) }),
}) {}

/** Puts money into an account. */
export class Deposit extends defineCommand({
  name: 'bank.Deposit',
  key: 'accountId',
  schema: z.object({
    accountId,
    amountCents,
    paymentId: z.string().optional(),
    memo: z.string().max(500).optional(),
  }),
}) {}

/** Takes money out of an account. */
export class Withdraw extends defineCommand({
  name: 'bank.Withdraw',
  key: 'accountId',
  schema: z.object({ accountId, amountCents, paymentId: z.string().optional() }),
}) {}

/** Closes an account that is empty. */
export class CloseAccount extends defineCommand({
  name: 'bank.CloseAccount',
  key: 'accountId',
  schema: z.object({ accountId }),
}) {}
