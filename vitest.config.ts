import { defineConfig } from 'vitest/config'

/**
 * Tests read the sources, not the builds: the condition is the one that every package exports. `import` is not among
 * them, since they hold for `require` as well: what a CommonJS package requires must stay CommonJS.
 */
const conditions = ['@keyfold/source', 'node', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A second, the default, is not enough on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    execArgv: ['--conditions=@keyfold/source'],
    maxWorkers: 2,
    include: ['libs/*/src/**/*.spec.ts', 'apps/*/src/**/*.spec.ts', 'test/**/*.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/**/*.kafka.spec.ts'],
    reporters: ['default', './test/plain-summary.reporter.ts'],
  },
})
