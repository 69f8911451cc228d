import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PinnerStore } from '../../storage/pinner-store.js'
import { pause } from '../../wait.js'
import type { Member } from '../member.js'

/** When all was last read, in ms since 1970: a pinner that is restarted often must come to it too. */
const FILE = 'scrubbed'
/** A disk has some hundred at the least, and challenges and readers come first. */
const BYTES_PER_SECOND = 4 << 20
/** What is read between two pauses, and the time that this takes at that rate. */
const PIECE_BYTES = 1 << 20
const PIECE_MS = (PIECE_BYTES / BYTES_PER_SECOND) * 1_000

/** Reads all that is held every so often, until the member ends, and logs what was found. */
export async function keepScrubbing(
  { options: { dir, clock }, signal, log }: Pick<Member, 'options' | 'signal' | 'log'>,
  store: Pick<PinnerStore, 'scrub'>,
  everyMs: number
): Promise<void> {
  const file = join(dir, FILE)
  const text = await readFile(file, 'utf8').catch(() => '')
  let last = /^\d{1,15}\n?$/.test(text) ? Number(text) : Infinity
  // A new folder has nothing to be read yet.
  if (last > clock.wall()) last = await note(file, clock.wall())
  while (await pause(clock, Math.max(0, last + everyMs - clock.wall()), signal)) {
    let unpaid = 0
    const rest = async (bytes: number): Promise<void> => {
      unpaid += bytes
      for (; unpaid >= PIECE_BYTES; unpaid -= PIECE_BYTES) await pause(clock, PIECE_MS, signal)
    }
    try {
      const { chunks, bytes, lost, unproven } = await store.scrub({ signal, rest })
      log('pinner.scrubbed', { chunks, bytes, lost, unproven })
    } catch (error) {
      if (signal.aborted) return
      log('pinner.scrub-failed', { error: error as Error })
    }
    last = await note(file, clock.wall())
  }
}

async function note(file: string, at: number): Promise<number> {
  await writeFile(file, `${at}\n`, { mode: 0o600 })
  return at
}
