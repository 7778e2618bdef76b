/** The options that `forRoot` or `forRootAsync` was given. */
export const GIVEN_OPTIONS = Symbol('keyfold.given-options')

/** The same with those that the application was started with, see `withKeyfoldOptions`. */
export const KEYFOLD_OPTIONS = Symbol('keyfold.options')
