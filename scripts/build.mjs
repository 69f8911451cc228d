// Compiles TypeScript into dist/, unless what is there is what these sources give.
//
//   node scripts/build.mjs             compiles if sources, settings, compiler or dist/ itself changed
//   node scripts/build.mjs --force     compiles all of it, into an empty dist/
//   … --if-possible                    without a compiler nothing is done, and that is no error
//
// A stamp says what went in and what came out, so that neither an edited source nor a file that something else wrote into
// dist/ goes unseen. Where dist/ is what the stamp says, only what changed is compiled, and what has lost its source goes:
// a deleted test must not live on there. Otherwise dist/ is emptied first.
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
const isOutput = (name) => name !== '.built.json' && name !== '.tsbuildinfo'

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

/** Takes out of dist/ what was compiled from a source that is gone. */
function removeOrphans() {
  const sources = new Set(folders.flatMap((folder) => filesBelow(folder, isSource)))
  for (const path of filesBelow('dist', isOutput)) {
    const source = path.replace(/^dist\//, '').replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts')
    if (!path.startsWith('dist/dashboard/') && !sources.has(source)) rmSync(join(root, path))
  }
}

function run(program, ...args) {
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const before = builtBefore()
const wanted = input(tsc.version)
const sound =
  !process.argv.includes('--force') &&
  before !== null &&
  before.output === hashOf(filesBelow('dist', isOutput))
if (!sound || before.input !== wanted) {
  if (sound) removeOrphans()
  else rmSync(dist, { recursive: true, force: true })
  // Whoever is stopped from here on finds no stamp, and begins anew.
  rmSync(stamp, { force: true })
  run(tsc.path, '-p', root)
  // The page takes the package's own pure modules as they were compiled.
  const page = hashOf([
    ...settings,
    ...filesBelow('dashboard', isSource),
    ...filesBelow('dist/src', (name) => name.endsWith('.js'))
  ])
  if (!sound || before.page !== page) run(vite(), 'build', '--config', 'dashboard/vite.config.js')
  // Sources that changed meanwhile are compiled the next time.
  const output = hashOf(filesBelow('dist', isOutput))
  writeFileSync(stamp, JSON.stringify({ input: wanted, output, page }) + '\n')
}
// npm sets this bit for packages that it installs, not for the folder that one works in.
chmodSync(join(dist, 'src/cli/main.js'), 0o755)
