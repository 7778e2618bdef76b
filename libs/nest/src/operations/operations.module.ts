import { type DynamicModule, Module } from '@nestjs/common'
import { OPERATIONS_OPTIONS, type OperationsOptions } from './operations-options.ts'
import { OperationsGuard } from './operations.guard.ts'
import { ProjectionsController } from './projections.controller.ts'

/**
 * Puts `/keyfold/projections` into an application's HTTP: status, rebuild with progress, pause, swap, roll back, parked
 * events. The command line works through it: `keyfold projections list --app-url http://127.0.0.1:3000`.
 */
@Module({})
export class KeyfoldOperationsModule {
  static forRoot(options: OperationsOptions = {}): DynamicModule {
    return {
      module: KeyfoldOperationsModule,
      controllers: [ProjectionsController],
      providers: [{ provide: OPERATIONS_OPTIONS, useValue: options }, OperationsGuard],
    }
  }
}
