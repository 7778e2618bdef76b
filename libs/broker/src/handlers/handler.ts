import { type AnyApi, decodeRequest, type RequestOf, responseFrame, type ResponseInput } from '@keyfold/protocol'
import type { BrokerContext } from '../broker-context.ts'

/** One request as its connection sees it. */
export interface Call {
  readonly version: number
  readonly correlationId: number
  /** The client's own name, '' if it gave none. */
  readonly clientId: string
  /** Address of the client, with the slash that Kafka's tools show in front of it. */
  readonly clientHost: string
  /** Calls back when the connection ends or the broker stops: nobody waits for the answer any more. */
  readonly onEnded: (listener: () => void) => () => void
}

/** What a handler gives back; undefined for "no response" (acks=0, or nobody is there any more). */
export type Answer<T> = T | undefined | Promise<T | undefined>

/** A response as it goes onto the wire. */
export type Frame = readonly Buffer[]

/** One API as the broker serves it. */
export interface Handler {
  readonly api: AnyApi
  /** The versions that are served: the table's, or fewer. */
  readonly versions: readonly [min: number, max: number]
  /** Decodes the body, answers, encodes. Throws on a malformed body. */
  serve(body: Buffer, broker: BrokerContext, call: Call): Answer<Frame>
}

/** Thrown by a handler that can answer only by ending the connection. */
export class ConnectionRefused extends Error {
  override readonly name = 'ConnectionRefused'
}

/** Binds an API's table to the function that answers it. */
export function handler<A extends AnyApi>(
  api: A,
  respond: (request: RequestOf<A>, broker: BrokerContext, call: Call) => Answer<ResponseInput<A>>,
  { versions = api.versions }: { versions?: readonly [min: number, max: number] } = {},
): Handler {
  return {
    api,
    versions,
    serve(body, broker, call) {
      const encode = (response: ResponseInput<A> | undefined): Frame | undefined => {
        if (response === undefined) return undefined
        broker.metrics.countErrors(api, response)
        return responseFrame(api, call.version, call.correlationId, response)
      }
      const answer = respond(decodeRequest(api, call.version, body), broker, call)
      return answer instanceof Promise ? answer.then(encode) : encode(answer)
    },
  }
}
