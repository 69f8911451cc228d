import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { systemClock } from '../../src/clock.js'
import { Engine } from '../../src/engine/engine.js'
import { opened, using } from '../../src/lifecycle.js'
import { silentLogger } from '../../src/log.js'
import { fastParameters } from '../../src/local/economy.js'
import { ChainNode } from '../../src/roles/chain-node.js'
import type { Network } from '../../src/swarm/dht.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'

function nodeIn(dir: string, network: Network): ChainNode {
  return new ChainNode({
    dir,
    network,
    genesis: { name: 'test', parameters: fastParameters(), allocations: [], beaconLength: 1 << 10 },
    threads: 1,
    randomBytes,
    clock: systemClock,
    log: silentLogger
  })
}

/** Has every goodbye fail from now on; leaving by force works. */
function silenced(t: TestContext): { mock: { restore(): void } } {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own object
  const { destroy } = HyperDHT.prototype
  return t.mock.method(
    HyperDHT.prototype,
    'destroy',
    function (this: HyperDHT, how?: { force?: boolean }): Promise<void> {
      if (!how?.force) return Promise.reject(new Error('nobody says goodbye'))
      return destroy.call(this, how)
    }
  )
}

test('a chain whose goodbye fails closes engine, stores and ledger all the same, and says why', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  const engine = t.mock.method(Engine.prototype, 'close')
  const node = await opened(nodeIn(dir, network))
  assert.ok(existsSync(join(dir, 'ledger.db-wal')))
  const destroy = silenced(t)
  await assert.rejects(node.close(), /nobody says goodbye/)
  await assert.rejects(node.close(), /nobody says goodbye/)
  destroy.mock.restore()

  // SQLite puts its journal away when the last connection closes; the cores' folder would be locked.
  assert.equal(existsSync(join(dir, 'ledger.db-wal')), false)
  assert.equal(engine.mock.callCount(), 1)
  const { publicKey } = node
  await using(nodeIn(dir, network), (again) => Promise.resolve(assert.deepEqual(again.publicKey, publicKey)))
})

test('a chain that cannot open leaves nothing open', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  await using(nodeIn(dir, network), () => Promise.resolve())
  await chmod(join(dir, 'beacon'), 0o644)
  const exposed = nodeIn(dir, network)
  await assert.rejects(exposed.ready(), { code: 'SECRET_EXPOSED' })
  await exposed.close()
  await chmod(join(dir, 'beacon'), 0o600)
  const engine = t.mock.method(Engine.prototype, 'close')
  const listening = t.mock.method(Hyperswarm.prototype, 'join', () => {
    throw new Error('there is no network')
  })
  const alone = nodeIn(dir, network)
  await assert.rejects(alone.ready(), /there is no network/)
  await alone.close()
  listening.mock.restore()
  assert.equal(existsSync(join(dir, 'ledger.db-wal')), false)
  assert.equal(engine.mock.callCount(), 1)
  await using(nodeIn(dir, network), () => Promise.resolve())
})

test('a chain whose beacon is gone, or is another one, does not open, and makes no new one', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  await using(nodeIn(dir, network), () => Promise.resolve())
  const beacon = join(dir, 'beacon')
  const secret = readFileSync(beacon)
  rmSync(beacon)
  const bereft = nodeIn(dir, network)
  await assert.rejects(bereft.ready(), { code: 'SECRET_MISSING', message: /backup/ })
  await bereft.close()
  assert.equal(existsSync(beacon), false)

  writeFileSync(beacon, `${'11'.repeat(32)}\n`, { mode: 0o600 })
  const foreign = nodeIn(dir, network)
  await assert.rejects(foreign.ready(), { code: 'BEACON_FOREIGN', message: /backup/ })
  await foreign.close()

  writeFileSync(beacon, secret, { mode: 0o600 })
  await using(nodeIn(dir, network), () => Promise.resolve())
})

/** What of a chain's folder is damaged how, and what its start says of it. */
const damages: Record<string, { of: string; bytes?: (whole: Buffer) => Buffer; code: string }> = {
  'a ledger that is missing beside its log': { of: 'ledger.db', code: 'LEDGER_LOST' },
  'a ledger that is empty beside its log': {
    of: 'ledger.db',
    bytes: () => Buffer.alloc(0),
    code: 'LEDGER_LOST'
  },
  'a ledger with a damaged page': {
    of: 'ledger.db',
    bytes: (whole) =>
      Buffer.concat([whole.subarray(0, 12_288), Buffer.alloc(4096, 0xee), whole.subarray(16_384)]),
    code: 'LEDGER_DAMAGED'
  },
  'a store of cores without its CURRENT': { of: 'cores/db/CURRENT', code: 'CORES_DAMAGED' },
  'a store of cores whose CURRENT is cut': {
    of: 'cores/db/CURRENT',
    bytes: (whole) => whole.subarray(0, 5),
    code: 'CORES_DAMAGED'
  },
  'a beacon that is missing': { of: 'beacon', code: 'SECRET_MISSING' },
  'a beacon that is cut': { of: 'beacon', bytes: (whole) => whole.subarray(0, 5), code: 'SECRET_MALFORMED' }
}

test('what is damaged or missing in the folder of a chain is named when it starts, and nothing begins anew', async (t) => {
  const network = await privateDht(t)
  const dir = temporaryFolder(t)
  const node = await opened(nodeIn(dir, network))
  const { chainId } = node.ledger
  await node.close()
  for (const [what, { of, bytes, code }] of Object.entries(damages)) {
    const path = join(dir, of)
    const whole = readFileSync(path)
    if (bytes) writeFileSync(path, bytes(whole))
    else rmSync(path)
    await assert.rejects(nodeIn(dir, network).ready(), { code }, what)
    writeFileSync(path, whole, { mode: 0o600 })
  }
  await using(nodeIn(dir, network), (again) =>
    Promise.resolve(assert.deepEqual(again.ledger.chainId, chainId))
  )
})
