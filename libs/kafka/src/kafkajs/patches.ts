import Connection from 'kafkajs/src/network/connection.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const { scheduleCheckPendingRequests: schedule } = RequestQueue.prototype

/**
 * kafkajs re-arms a timer of one millisecond per connection for ever (tulios/kafkajs#1556). It is only needed while the
 * broker throttles or requests wait: elsewhere an answered request looks at the queue by itself.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleOnlyWhenNeeded(this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
}

const { processData: process } = Connection.prototype

/**
 * An answer whose length cannot be one makes kafkajs throw in the handler of the socket, where nobody catches it: the
 * process would end. What follows on that connection means nothing any more, so it is closed, as after any other error.
 */
Connection.prototype.processData = function closeOnBadFrame(this: Connection, received: Buffer): void {
  try {
    process.call(this, received)
  } catch (error) {
    this.socket?.destroy(new Error(`the broker sent what is no answer: ${String(error)}`, { cause: error }))
  }
}
