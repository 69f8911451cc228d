import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryFolder } from '../helpers/folder.js'
import { SHORT } from '../helpers/form.js'
import { MAIN } from './program.js'

interface Place {
  megabytes: number
  sourceBytes: number
  file?: string
  codec?: 'wrap' | 'seal'
}

/** Runs `up` into a folder on a disk of this size, which is full once `file` is there. */
function upOnDisk(
  t: TestContext,
  { megabytes, sourceBytes, file, codec = 'wrap' }: Place
): { code: string; stderr: string; left: string[] } {
  const root = temporaryFolder(t)
  const [disk, source] = [join(root, 'disk'), join(root, 'source')]
  mkdirSync(disk)
  mkdirSync(source)
  writeFileSync(join(source, 'file'), randomBytes(sourceBytes))
  // A mount that nobody else sees, and that goes with its process. Who is not root is root in there.
  const mounting = ['--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])]
  const up = [process.execPath, MAIN, 'up', source, '--data', join(disk, 'data'), '--codec', codec, '--once']
  const script = [resolve('test/cli/full-disk.sh'), disk, `${megabytes}m`, file ?? '-']
  const run = spawnSync('unshare', [...mounting, 'sh', ...script, ...up], {
    encoding: 'utf8',
    timeout: 120_000
  })
  assert.equal(run.status, 0, `no disk could be mounted: ${run.error?.message ?? run.stderr}`)
  const [code = '', ...left] = run.stdout.trim().split(' ')
  return { code, stderr: run.stderr, left }
}

test('a disk that is too small is refused before anything is written', (t) => {
  const { code, stderr, left } = upOnDisk(t, { megabytes: 150, sourceBytes: 10_000_000 })
  assert.equal(code, '2')
  assert.match(stderr, /^datdot: [^\n]+ free and about \d+ MB are needed[^\n]+ \[DISK_FULL\]\n$/)
  assert.deepEqual(left, [])
})

for (const codec of SHORT ? (['wrap'] as const) : (['wrap', 'seal'] as const)) {
  for (const [when, file] of [
    ['while the drive is published', 'data/author/store'],
    ['while the chain starts', 'data/chain'],
    ['while roles start', 'data/signer-3'],
    ['while copies are taken', 'data/pinner-4/copies'],
    ['while the consumer reads', 'data/consumer']
  ] as const) {
    test(`a disk that fills up ${when} (${codec}) ends the run in one line and leaves nothing`, (t) => {
      const { code, stderr, left } = upOnDisk(t, { megabytes: 160, sourceBytes: 300_000, file, codec })
      assert.equal(code, '2', stderr)
      assert.match(stderr, /^datdot: The disk that holds [^\n]+ is full; [^\n]+ \[DISK_FULL\]\n$/)
      assert.deepEqual(left, [])
    })
  }
}
