import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeAfter, type Closing } from './close-after.js'

/** A fresh folder that goes away with the test, tried again while a program that is about to be stopped still writes there. */
export function temporaryFolder(t: Closing): string {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-test-'))
  closeAfter(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
  return folder
}
