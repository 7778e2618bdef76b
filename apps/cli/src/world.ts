/** What a command line stands in: where it writes and reads, what it knows of the process. Tests bring their own. */
export interface World {
  /** One line of the result. */
  out(line: string): void
  /** One line of what is not the result: progress, warnings, errors. */
  err(line: string): void
  /** One line on stderr that the next one takes the place of; empty takes it away. Only where stderr is a terminal. */
  status(line: string): void
  /** Bytes of the result as they are. */
  write(bytes: Uint8Array): void
  /** Resolves when what was written has left the process, as far as it can wait for that. */
  drained(): Promise<void>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array>
  /** Whether people sit at the ends. */
  readonly isTerminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  /** Calls the listener at every Ctrl-C or SIGTERM; returns how to take it away. */
  onInterrupt(listener: () => void): () => void
  /** Asks a person; only where stdin and stderr are terminals. */
  ask(question: string): Promise<string>
}
