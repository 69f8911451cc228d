// Where the official BLAKE3 C sources are. A package that was packed carries them in blake3/c; in the repository they
// come from @c4312/blake3-native, found by Node's own resolution, wherever npm has put it.
//
// For native/binding.gyp it prints `folder`, or `sources`, the files that this machine compiles.
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Of a packed package. */
export const packedFolder = join(here, 'blake3/c')

/** Of the package that the sources are from. */
export function sourceFolder() {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve('@c4312/blake3-native/package.json')), 'c')
}

const portable = ['blake3.c', 'blake3_dispatch.c', 'blake3_portable.c']
const neon = 'blake3_neon.c'
const headers = ['blake3.h', 'blake3_impl.h']
const assembly = (folder, ending) => readdirSync(folder).filter((name) => name.endsWith(ending))

/** The files that any supported machine needs. */
export function packedFiles(folder) {
  return [...headers, ...portable, neon, ...assembly(folder, '_unix.S'), ...assembly(folder, '_msvc.asm')]
}

function compiledFiles(folder) {
  if (process.arch === 'arm64') return [...portable, neon]
  if (process.arch !== 'x64') return portable
  return [...portable, ...assembly(folder, process.platform === 'win32' ? '_windows_msvc.asm' : '_unix.S')]
}

const wanted = process.argv[2]
if (wanted === 'folder' || wanted === 'sources') {
  const folder = existsSync(packedFolder) ? packedFolder : sourceFolder()
  // gyp takes paths relative to the binding file, with forward slashes.
  const gypPath = (path) => relative(here, path).replaceAll('\\', '/')
  const paths = wanted === 'folder' ? [folder] : compiledFiles(folder).map((name) => join(folder, name))
  process.stdout.write(paths.map(gypPath).join('\n'))
}
