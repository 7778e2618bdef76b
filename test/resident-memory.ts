import { readFile } from 'node:fs/promises'

/** What a process holds in memory now, in MiB; NaN without such a process, or where there is no /proc. */
export async function residentMib(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024
}
