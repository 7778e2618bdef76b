import { Reflector } from '@nestjs/core'
import type { ProjectorReference } from '../read-model.ts'

/**
 * Names the read models that a route shows, on the method or its controller: `@ReadsFrom([Balances])`. A request that
 * says what it has seen (`Keyfold-Position`) and would wait (`Prefer: wait=2`) is answered when they show it.
 */
export const ReadsFrom = Reflector.createDecorator<readonly ProjectorReference[]>()
