import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Corestore from 'corestore'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { Engine } from '../../src/engine/engine.js'
import { opened, type Resource } from '../../src/lifecycle.js'
import { registrationOf } from '../../src/local/economy.js'
import { Observer } from '../../src/local/observer.js'
import { FileLog, silentLogger } from '../../src/log.js'
import { Author } from '../../src/roles/author.js'
import { DataFolder, RoleFolder } from '../../src/roles/data-folder.js'
import { Pinner } from '../../src/roles/pinner/pinner.js'
import { Signer } from '../../src/roles/signer/signer.js'
import { Supporter } from '../../src/roles/supporter.js'
import { Verifier } from '../../src/roles/verifier.js'
import { FolderLock } from '../../src/storage/folder-lock.js'
import { NodeFile } from '../../src/storage/node-file.js'
import { PinnerStore } from '../../src/storage/pinner-store.js'
import { TemporaryFolder } from '../../src/temporary-folder.js'
import { PrivateDht, type Network } from '../../src/swarm/dht.js'
import { SwarmHost } from '../../src/swarm/host.js'
import { SwarmReader } from '../../src/swarm/reader.js'
import { temporaryFolder } from '../helpers/folder.js'
import { privateDht } from '../helpers/network.js'
import { injected, nothingLeft, openResources, withFault } from '../helpers/open-resources.js'
import { VirtualClock } from '../helpers/virtual-clock.js'
import { closeAfter } from '../helpers/close-after.js'

interface Place {
  dir: string
  clock: VirtualClock
  /** Others are there. */
  network: Network
  store: Corestore
}

/** Nobody is there. */
const network = { bootstrap: [{ host: '127.0.0.1', port: 9 }], host: '127.0.0.1' }

function memberOf({ dir, clock }: Place) {
  return {
    dir,
    network,
    chainKey: randomBytes(32),
    clock,
    randomBytes,
    log: silentLogger,
    registration: registrationOf('pinner'),
    memoryBytes: 16 << 20,
    threads: 1
  }
}

/** All that is opened and closed, alone in a folder. */
const resources: Record<string, (at: Place) => Resource> = {
  'a pinner': (at) => new Pinner(memberOf(at)),
  'a signer': (at) => new Signer(memberOf(at)),
  'a verifier': (at) => new Verifier(memberOf(at)),
  'a supporter': (at) => new Supporter(memberOf(at)),
  'an observer': (at) => new Observer(memberOf(at)),
  'an author': ({ dir }) => new Author({ ...network, dir, randomBytes: () => Buffer.alloc(32, 7) }),
  'a pinner’s store': ({ dir, clock }) => new PinnerStore(dir, { clock }),
  'a reader': ({ dir }) => new SwarmReader({ network, dir, seed: randomBytes(32) }),
  'a host': (at) =>
    new SwarmHost({ network: at.network, keyPair: keyPairFromSeed(randomBytes(32)), store: at.store }),
  'a private DHT': () => new PrivateDht(),
  'an engine': () => new Engine({ threads: 1 }),
  'a temporary folder': () => new TemporaryFolder('datdot-test-'),
  'a role’s folder': ({ dir, clock }) =>
    new RoleFolder({ path: join(dir, 'role'), role: 'pinner', clock, randomBytes }),
  'a lock': ({ dir, clock }) =>
    new FolderLock({ path: join(dir, 'lock'), role: 'pinner', clock, inUse: () => new Error('in use') }),
  'a node file': ({ dir }) => new NodeFile(join(dir, 'nodes', 'one')),
  'a log': ({ dir, clock }) => new FileLog(join(dir, 'log'), clock)
}

/** What an error of ours was made of. */
function origin(error: unknown): unknown {
  const { cause } = error as Error
  return cause ?? error
}

async function place(t: TestContext): Promise<Place> {
  const folder = temporaryFolder(t)
  const store = new Corestore(join(folder, 'shared'))
  await store.ready()
  closeAfter(t, () => store.close())
  const dir = join(folder, 'own')
  mkdirSync(dir)
  return { dir, clock: new VirtualClock(), network: await privateDht(t), store }
}

for (const [name, make] of Object.entries(resources)) {
  test(`${name} that fails to open at any step leaves nothing open, and opens after it`, async (t) => {
    const at = await place(t)
    // What the first of its kind loads stays.
    await (await opened(make(at))).close()
    const before = openResources()
    for (let step = 1; ; step++) {
      const hit = await withFault(step, 'after', async () => {
        let resource: Resource | undefined
        try {
          resource = make(at)
          await resource.ready()
        } catch (error) {
          assert.equal(origin(error), injected)
          await resource?.close()
          return
        }
        await resource.close()
      })
      await nothingLeft(before, `after step ${step}, ${hit}`)
      assert.equal(at.clock.pending, 0, `timers after step ${step}, ${hit}`)
      if (hit === null) return assert.ok(step > 1, 'it has a part')
    }
  })

  test(`${name} of which any part fails to close says so and closes the others`, async (t) => {
    const at = await place(t)
    await (await opened(make(at))).close()
    const before = openResources()
    for (let part = 1; ; part++) {
      let told = false
      const hit = await withFault(part, 'close', async () => {
        const resource = await opened(make(at))
        const closing = await resource.close().then(() => null, origin)
        told = closing === injected
      })
      assert.equal(told, hit !== null, `part ${part}, ${hit}, is told of`)
      await nothingLeft(before, `after part ${part}, ${hit}`)
      assert.equal(at.clock.pending, 0, `timers after part ${part}, ${hit}`)
      if (hit === null) return
    }
  })
}

test('a network’s folder that fails to open at any step is left as it was', async (t) => {
  const { dir, clock } = await place(t)
  const before = openResources()
  for (let step = 1; ; step++) {
    const folder = new DataFolder({ path: join(dir, `network-${step}`), neededBytes: 0, clock })
    const hit = await withFault(step, 'after', async () => {
      await folder.ready().catch((error: unknown) => assert.equal(origin(error), injected))
      await folder.close()
    })
    await nothingLeft(before, `after step ${step}, ${hit}`)
    if (hit === null) return
  }
})

test('a pinner whose identity others may read opens in the same process once they may not', async (t) => {
  const at = await place(t)
  await (await opened(new Pinner(memberOf(at)))).close()
  const identity = join(at.dir, 'identity')
  chmodSync(identity, 0o644)
  const exposed = new Pinner(memberOf(at))
  await assert.rejects(exposed.ready(), { code: 'SECRET_EXPOSED' })
  await exposed.close()
  chmodSync(identity, 0o600)
  const mended = await opened(new Pinner(memberOf(at)))
  assert.equal(mended.publicKey.byteLength, 32)
  await mended.close()
})
