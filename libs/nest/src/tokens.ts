/** The options as `forRoot` or `forRootAsync` gave them. */
export const KEYFOLD_OPTIONS = Symbol('keyfold.options')
