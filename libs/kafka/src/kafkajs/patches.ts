import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const { scheduleCheckPendingRequests: schedule } = RequestQueue.prototype

/**
 * kafkajs re-arms a timer of one millisecond per connection for ever (tulios/kafkajs#1556). It is only needed while the
 * broker throttles or requests wait: elsewhere an answered request looks at the queue by itself.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleOnlyWhenNeeded(this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
}
