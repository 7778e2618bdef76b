/** A way into a schema by names: `Order.lines[].sku`, entries of a map as `{}`, branches of a union as `<Card>`. */
export function stepInto(path: string, step: string): string {
  return path === '' || /^[[{<]/.test(step) ? path + step : `${path}.${step}`
}
