import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** A program of somebody who has installed the package. */
const CONSUMER = `
import { Engine, TreeBuilder, type Batch, type SegmentSecret, type TreeRoot } from 'datdot'
import { decodeEntry, decodeOperation, type ChallengeView, type Operation } from 'datdot/protocol'
import { ChainClient, chainCoreKey, followLog } from 'datdot/client'
import { PinnerStore, type StoredSegment } from 'datdot/storage'
import { auditLog, type AuditReport } from 'datdot/audit'
import type Hypercore from 'hypercore'

export async function encode(segment: SegmentSecret, blocks: Iterable<Uint8Array>): Promise<TreeRoot> {
  const engine = new Engine({ threads: 1 })
  const tree = new TreeBuilder()
  for await (const batch of engine.encode(blocks, { segment, start: 0 })) {
    const one: Batch = batch
    tree.append(one.count, one.levels)
  }
  await engine.close()
  return tree.root()
}

export async function audited(log: Hypercore): Promise<AuditReport> {
  return auditLog(followLog(log, { live: false }))
}

export function kind(entry: Uint8Array): Operation['kind'] {
  return decodeOperation(decodeEntry(entry).operation, true).kind
}

export async function segments(folder: string): Promise<StoredSegment[]> {
  const store = new PinnerStore(folder)
  await store.ready()
  return store.segments()
}

export async function due(chain: ChainClient): Promise<ChallengeView[]> {
  return chain.challenges(256)
}

export const logKey: Buffer = chainCoreKey(new Uint8Array(32), 'log')
// @ts-expect-error a declaration that has come to be "any" would take this
export const wrong: string = logKey
// @ts-expect-error and so would the engine
new Engine({ threads: 'two' })
`

test('the declarations compile for a consumer with strict settings, the libraries checked too, and so do the examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-consumer-'))
  try {
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
    symlinkSync(root, join(folder, 'node_modules/datdot'))
    symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    writeFileSync(join(folder, 'consumer.ts'), CONSUMER)
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noImplicitOverride: true,
      noPropertyAccessFromIndexSignature: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
      skipLibCheck: false,
      noEmit: true,
      allowJs: true,
      checkJs: true
    }
    const files = ['consumer.ts', join(root, 'examples/**/*.js'), join(root, 'src/types/*.d.ts')]
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: files }))
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    assert.equal(stdout, '')
    assert.equal(status, 0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every path that the package exports is in what it packs', () => {
  const { exports, files, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>
    files: string[]
    bin: Record<string, string>
  }
  const paths = Object.values(exports).flatMap((it) =>
    typeof it === 'string' ? [it] : [it.types, it.default]
  )
  for (const path of [...paths, ...Object.values(bin)]) {
    const name = path.replace('./', '')
    assert.ok(name === 'package.json' || files.some((folder) => name.startsWith(`${folder}/`)), path)
    readFileSync(join(root, name))
  }
})
