export { startTestApp, type TestApp, type TestAppOptions } from './test-app.ts'
