import { InvalidArgumentError } from 'commander'

/** An address of HTTP that others can use: `http://registry-1:8081`. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/?#]/.test(text) && URL.canParse(text)
}

export function parseHttpUrl(text: string): string {
  if (isHttpUrl(text)) return text
  throw new InvalidArgumentError('Give an http:// or https:// address')
}
