import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const require = createRequire(import.meta.url)

/** As somebody would write it who knows the API by its description alone. */
const PROGRAM = `import createClient from 'openapi-fetch'
import type { paths } from './api.js'

const { GET } = createClient<paths>({ baseUrl: process.argv[2]! })
const say = <T>({ data, error }: { data?: T; error?: unknown }): T => {
  if (data === undefined) throw new Error(JSON.stringify(error))
  return data
}
const overview = say(await GET('/api/v1/overview'))
const cores = say(await GET('/api/v1/hypercores', { params: { query: { limit: 1 } } }))
const [row] = cores.rows
if (row === undefined) throw new Error('no hypercore')
const core = say(await GET('/api/v1/hypercores/{key}', { params: { path: { key: row.key } } }))
const pinners = say(await GET('/api/v1/members', { params: { query: { role: 'pinner' } } }))
const refused = await GET('/api/v1/hypercores/{key}', { params: { path: { key: 'nothing' } } })
const found = say(await GET('/api/v1/search', { params: { query: { q: row.key } } }))
const challenges: number[] = []
let cursor: string | undefined
do {
  const query = { limit: 200, ...(cursor === undefined ? {} : { cursor }) }
  const page = say(await GET('/api/v1/challenges', { params: { query } }))
  challenges.push(...page.rows.map(({ id }) => id))
  cursor = page.next ?? undefined
} while (cursor !== undefined && challenges.length < 1_000)
console.log(
  JSON.stringify({
    name: overview.chain.name,
    hypercores: overview.hypercores,
    key: core.key,
    copies: core.copies.length,
    pinners: pinners.rows.length,
    refused: refused.error?.code ?? null,
    found: found.found.map(({ what }) => what),
    challenges: challenges.length
  })
)
`

export interface Read {
  name: string
  hypercores: number
  key: string
  copies: number
  pinners: number
  refused: string | null
  found: string[]
  challenges: number
}

/** Makes types of the API's description, compiles a client that uses them, and has it read from `url`. */
export async function readByGeneratedClient(url: string): Promise<Read> {
  // Below the package, where the compiler finds openapi-fetch.
  const dir = join(root, 'reports/api-client')
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const response = await fetch(new URL('api/v1/openapi.json', url))
  assert.equal(response.status, 200)
  writeFileSync(join(dir, 'openapi.json'), await response.text())
  writeFileSync(join(dir, 'client.ts'), PROGRAM)
  writeFileSync(
    join(dir, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2023',
        lib: ['es2023', 'dom'],
        types: ['node'],
        module: 'nodenext',
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: true,
        outDir: 'out'
      },
      include: ['client.ts']
    })
  )
  const node = (...args: string[]): string =>
    execFileSync(process.execPath, args, { cwd: dir, encoding: 'utf8' })
  const program = (name: string, path: string): string => join(require.resolve(`${name}/package.json`), path)
  node(program('openapi-typescript', '../bin/cli.js'), 'openapi.json', '-o', 'api.ts')
  node(program('typescript', '../bin/tsc'), '-p', '.')
  return JSON.parse(node('out/client.js', url)) as Read
}
