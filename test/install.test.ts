import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** node-gyp as npm ships it, for tests that npm did not start. */
const bundledGyp = join(
  dirname(process.execPath),
  '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js'
)

test('an installation whose addons cannot be built succeeds, and seals in TypeScript with one warning', () => {
  const folder = mkdtempSync(join(tmpdir(), 'datdot-install-'))
  try {
    cpSync(join(root, 'package.json'), join(folder, 'package.json'))
    cpSync(join(root, 'dist/src'), join(folder, 'dist/src'), { recursive: true })
    cpSync(join(root, 'native'), join(folder, 'native'), {
      recursive: true,
      filter: (path) => !path.startsWith(join(root, 'native/build'))
    })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))

    const env: NodeJS.ProcessEnv = { ...process.env, CC: '/bin/false', CXX: '/bin/false' }
    delete env.DATDOT_NATIVE
    if (existsSync(bundledGyp)) env.npm_config_node_gyp ??= bundledGyp
    const install = spawnSync(process.execPath, ['native/install.mjs'], {
      cwd: folder,
      env,
      encoding: 'utf8'
    })
    assert.equal(install.status, 0, install.stderr)
    assert.match(install.stderr, /the native core could not be built/)
    assert.ok(!existsSync(join(folder, 'native/build/Release/datdot_rsa.node')))

    writeFileSync(
      join(folder, 'seal.mjs'),
      `import { decodeChunk, encodeChunk } from './dist/src/chunk/codecs.js'
       import { rsaKeyFromSeed } from './dist/src/crypto/rsa-key.js'
       import { rsaPaths } from './dist/src/crypto/rsa.js'
       const bytes = (length, value) => Buffer.alloc(length, value)
       const segment = { codec: 'seal', id: bytes(32, 1), salt: bytes(32, 2), ...rsaKeyFromSeed(bytes(32, 3)) }
       const sealed = encodeChunk(segment, 0, bytes(600, 5), bytes(32, 0))
       console.log(JSON.stringify([rsaPaths(), decodeChunk(segment, 0, sealed).equals(bytes(600, 5))]))`
    )
    const run = spawnSync(process.execPath, ['seal.mjs'], { cwd: folder, env, encoding: 'utf8' })
    assert.equal(run.status, 0, run.stderr)
    assert.deepEqual(JSON.parse(run.stdout), [['bigint'], true])
    assert.equal(run.stderr.match(/the native core is missing/g)?.length, 1)
    assert.equal(run.stderr.trim().split('\n').length, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
