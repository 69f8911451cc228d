import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadedBy } from './browser/bundle.js'

/**
 * Which rooms lie below a room: it may import these, and what lies below them. Files of src/ itself (errors with their catalogue, clock, log, …) lie
 * below every room and import none, but for src/index.ts and src/browser.ts, which are what the package shows of them.
 */
const below: Record<string, readonly string[]> = {
  index: ['roles'],
  browser: ['ledger/rules', 'evidence'],
  cli: ['local', 'profile'],
  profile: ['roles'],
  local: ['daemon'],
  daemon: ['roles', 'dashboard'],
  dashboard: ['client', 'ledger'],
  roles: ['audit', 'chain', 'storage', 'drive', 'workers'],
  audit: ['client', 'ledger'],
  chain: ['client', 'ledger'],
  workers: ['engine', 'ledger'],
  client: ['swarm', 'evidence'],
  storage: ['engine', 'protocol'],
  swarm: ['protocol'],
  drive: [],
  engine: ['chunk', 'merkle'],
  ledger: ['evidence', 'ledger/rules'],
  'ledger/rules': ['protocol'],
  evidence: ['protocol'],
  protocol: ['chunk', 'merkle'],
  chunk: ['crypto'],
  merkle: ['crypto'],
  crypto: []
}

/** Rooms inside a room that do not import each other: roles meet on the swarm and on the chain. */
const apart = ['roles/pinner', 'roles/signer']

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Source {
  path: string
  text: string
}

const sources: Source[] = ['src', 'workers'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => !path.startsWith('src/types/'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
)

/** Files of the repository that a file imports in any way: also types only, and when the program runs. */
function importsOf({ path, text }: Source): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')
  const named = code.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*['"`](\.[^'"`]*)['"`]/g)
  return [...named]
    .filter(([, specifier]) => !specifier!.endsWith('.node'))
    .map(([, specifier]) => posix.join(posix.dirname(path), specifier!.replace(/\.js$/, '.ts')))
}

/** The innermost room of the table that a file lies in; undefined for the files that lie below all. */
function roomOf(path: string): string | undefined {
  if (path === 'src/index.ts') return 'index'
  if (path === 'src/browser.ts') return 'browser'
  const folder = posix.dirname(path).replace(/^src\/?/, '')
  for (let room = folder; room !== '.' && room !== ''; room = dirname(room)) if (below[room]) return room
  return undefined
}

function allBelow(room: string): Set<string> {
  const found = new Set<string>()
  const visit = (at: string): void => {
    for (const next of below[at] ?? []) {
      if (found.has(next)) continue
      found.add(next)
      visit(next)
    }
  }
  visit(room)
  return found
}

test('there are sources, each in a room of the table or below all', () => {
  assert.ok(sources.length > 100)
  const lost = sources.filter(
    ({ path }) => !roomOf(path) && !['src', 'src/errors'].includes(posix.dirname(path))
  )
  assert.deepEqual(lost, [])
})

test('what lies below what has no circle', () => {
  for (const room of Object.keys(below)) assert.ok(!allBelow(room).has(room), `${room} lies below itself`)
})

test('imports go down only, those of types included', () => {
  const upward: string[] = []
  for (const source of sources) {
    const from = roomOf(source.path)
    const allowed = from === undefined ? new Set<string>() : allBelow(from)
    for (const path of importsOf(source)) {
      const to = roomOf(path)
      if (to !== undefined && to !== from && !allowed.has(to)) upward.push(`${source.path} imports ${path}`)
    }
  }
  assert.deepEqual(upward, [])
})

test('one role imports no other', () => {
  const met: string[] = []
  for (const source of sources) {
    const own = apart.find((room) => source.path.startsWith(`src/${room}/`))
    if (!own) continue
    for (const path of importsOf(source)) {
      if (apart.some((room) => room !== own && path.startsWith(`src/${room}/`))) {
        met.push(`${source.path} imports ${path}`)
      }
    }
  }
  assert.deepEqual(met, [])
})

test('no files import each other in a circle, those of types included', () => {
  const imports = new Map(sources.map((source) => [source.path, importsOf(source)]))
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path)
    if (at >= 0) circles.push([...way.slice(at), path].join(' -> '))
    if (at >= 0 || done.has(path)) return
    for (const next of imports.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  assert.deepEqual(circles, [])
})

test('every import of a file of the repository is found', () => {
  const known = new Set(sources.map(({ path }) => path))
  const missing = sources.flatMap((source) =>
    importsOf(source)
      .filter((path) => !known.has(path))
      .map((path) => `${source.path} imports ${path}`)
  )
  assert.deepEqual(missing, [])
})

/** Rooms that a page may load, and what of other rooms and of packages they bring: each of it pure, as they are. */
const pure = ['protocol', 'evidence', 'merkle', 'ledger/rules']
const broughtAlong = [
  /^dist\/src\/(bounds|browser|bytes|errors|errors\/[a-z-]+|chunk\/(header|codec))\.js$/,
  /^dist\/src\/crypto\/(prime-proof-bytes|blake3-(compress|slab|tree)|pure-hashes|browser\/[a-z0-9-]+)\.js$/,
  /\/node_modules\/(b4a\/(browser|lib\/[a-z0-9]+)|compact-encoding\/[a-z]+|flat-tree\/index)\.js$/
]

test('in a browser the pure rooms load each other, and nothing of Node, no compiled code and no other package', async () => {
  const { inputs, outputs } = await loadedBy(pure)
  const own = Object.keys(inputs).filter((path) => pure.some((room) => path.startsWith(`dist/src/${room}/`)))
  assert.ok(own.length > 40)
  const others = Object.keys(inputs).filter((path) => !own.includes(path))
  assert.deepEqual(
    others.filter((path) => !broughtAlong.some((known) => known.test(`/${path}`.replace(/^\/dist/, 'dist')))),
    []
  )
  assert.deepEqual(
    Object.values(outputs).flatMap(({ imports }) => imports),
    []
  )
})

test('a room that is not pure does not pass for one', async () => {
  await assert.rejects(loadedBy(['chunk']), /Could not resolve "node:/)
})
