import { defineCommand } from '../command.ts'
import { listOf } from '../json-schema.ts'
import { addressOptions, type AddressOptions, operationsClient } from '../projections/operations-client.ts'
import { projectionSchema, projectionsTable, type ProjectionView } from '../projections/projection-views.ts'
import type { Report } from '../report.ts'

export const projectionsList = defineCommand<AddressOptions>({
  path: 'projections list',
  summary: 'list the projectors of an application',
  details: 'The application needs KeyfoldOperationsModule.',
  options: [...addressOptions],
  examples: [['keyfold projections list', 'state, version and lag of every projector']],
  data: listOf(projectionSchema),
  async run(context, options): Promise<Report> {
    const client = operationsClient(options, context.world.env, context.signal)
    const views = await client.get<readonly ProjectionView[]>('')
    return { data: views, ids: views.map(({ projector }) => projector), tables: [projectionsTable(views)] }
  },
})
