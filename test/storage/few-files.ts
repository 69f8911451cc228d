// A process that may have few files open: `few-files DIR` opens a file of nodes there once all others are taken.
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { opened } from '../../src/lifecycle.js'
import { NodeFile } from '../../src/storage/node-file.js'

const path = join(process.argv[2]!, 'nodes')
const file = await opened(new NodeFile(path))
await file.close()
const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {
  // No more are to be had.
}
const said = await opened(new NodeFile(path)).then(
  () => 'opened',
  (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`
)
process.stdout.write(said)
