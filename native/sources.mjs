// Prints, for native/binding.gyp, where the official BLAKE3 C sources are: `folder`, or `sources`, the files
// that this machine compiles. They are found by Node's own resolution, wherever npm has put the package.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('@c4312/blake3-native/package.json')), 'c')
// gyp takes paths relative to the binding file, with forward slashes.
const gypPath = (path) => relative(here, path).replaceAll('\\', '/')

if (process.argv[2] === 'folder') {
  process.stdout.write(gypPath(folder))
} else {
  const names = ['blake3.c', 'blake3_dispatch.c', 'blake3_portable.c']
  if (process.arch === 'arm64') names.push('blake3_neon.c')
  if (process.arch === 'x64') {
    const assembly = process.platform === 'win32' ? '_windows_msvc.asm' : '_unix.S'
    names.push(...readdirSync(folder).filter((name) => name.endsWith(assembly)))
  }
  process.stdout.write(names.map((name) => gypPath(join(folder, name))).join('\n'))
}
