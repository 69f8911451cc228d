import type { Parameters } from '../../protocol/parameters.js'

/**
 * Whether an entry lies too far back to be named by an operation: by more time **and** more entries than the parameters allow, so that
 * neither a quiet day nor a busy hour makes anybody sign again.
 */
export function isAnchorOld(
  behind: { entries: number; ms: number },
  { anchorEntries, anchorMs }: Pick<Parameters, 'anchorEntries' | 'anchorMs'>
): boolean {
  return behind.entries > anchorEntries && behind.ms > anchorMs
}
