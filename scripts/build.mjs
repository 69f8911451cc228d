// Compiles TypeScript into dist/, unless what is there is what these sources give.
//
//   node scripts/build.mjs             compiles if sources, settings, compiler or dist/ itself changed
//   node scripts/build.mjs --force     compiles in any case
//   … --if-possible                    without a compiler nothing is done, and that is no error
//
// dist/ is emptied first: a deleted test must not live on there. Afterwards a stamp says what went in and what came
// out, so that neither an edited source nor a file that something else wrote into dist/ goes unseen.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const stamp = join(dist, '.built.json')
const require = createRequire(import.meta.url)

/** Folders of sources, as tsconfig.json includes them. */
const folders = ['src', 'workers', 'bench', 'test', 'dashboard']
/** Files that have a say in what comes out. */
const settings = ['package.json', 'tsconfig.json', 'scripts/build.mjs']

function filesBelow(folder, wanted) {
  try {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && wanted(entry.name))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
      .sort()
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

/** One hash over names and contents. */
function hashOf(files, ...others) {
  const sum = createHash('sha256')
  for (const text of others) sum.update(`${text.length} ${text} `)
  for (const file of files) {
    const bytes = readFileSync(join(root, file))
    sum.update(`${file}\0${bytes.length} `).update(bytes)
  }
  return sum.digest('hex')
}

const isSource = (name) => /\.(ts|js|css|html)$/.test(name)
const isOutput = (name) => name !== '.built.json'

/** What is compiled, with what. */
function input(compiler) {
  const sources = folders.flatMap((folder) => filesBelow(folder, isSource))
  return hashOf([...settings, ...sources], compiler)
}

function builtBefore() {
  try {
    return JSON.parse(readFileSync(stamp, 'utf8'))
  } catch {
    return null
  }
}

function compiler() {
  try {
    return {
      version: require('typescript/package.json').version,
      path: require.resolve('typescript/bin/tsc')
    }
  } catch {
    return null
  }
}

/** Vite's program, which packs the dashboard's page. */
function vite() {
  return join(require.resolve('vite/package.json'), '../bin/vite.js')
}

const tsc = compiler()
if (tsc === null) {
  // Installed with --omit=dev: what is compiled already serves.
  const there = builtBefore() !== null
  const how = there ? 'dist/ is used as it is' : '`npm install --include=dev` brings the compiler'
  process.stderr.write(`datdot: TypeScript is not installed, nothing was compiled; ${how}.\n`)
  process.exit(there || process.argv.includes('--if-possible') ? 0 : 1)
}

const before = builtBefore()
const wanted = input(tsc.version)
const unchanged =
  !process.argv.includes('--force') &&
  before?.input === wanted &&
  before.output === hashOf(filesBelow('dist', isOutput))
if (!unchanged) {
  rmSync(dist, { recursive: true, force: true })
  const built = spawnSync(process.execPath, [tsc.path, '-p', root], { cwd: root, stdio: 'inherit' })
  if (built.status !== 0) process.exit(built.status ?? 1)
  // The page takes the package's own pure modules as they were compiled.
  const page = spawnSync(process.execPath, [vite(), 'build', '--config', 'dashboard/vite.config.js'], {
    cwd: root,
    stdio: 'inherit'
  })
  if (page.status !== 0) process.exit(page.status ?? 1)
  // Sources that changed meanwhile are compiled the next time.
  writeFileSync(stamp, JSON.stringify({ input: wanted, output: hashOf(filesBelow('dist', isOutput)) }) + '\n')
}
// npm sets this bit for packages that it installs, not for the folder that one works in.
chmodSync(join(dist, 'src/cli/main.js'), 0o755)
