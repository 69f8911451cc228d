// Before `npm pack`: copies the BLAKE3 C sources to where a packed package has them, since the package that they are
// from cannot be installed without overrides. After it (`--remove`): takes them away again.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { packedFiles, packedFolder, sourceFolder } from '../native/sources.mjs'

rmSync(packedFolder, { recursive: true, force: true })
if (!process.argv.includes('--remove')) {
  const folder = sourceFolder()
  mkdirSync(packedFolder, { recursive: true })
  for (const name of packedFiles(folder)) copyFileSync(join(folder, name), join(packedFolder, name))
}
